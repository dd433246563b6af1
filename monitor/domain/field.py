"""What a monitor's rows consist of: pinned at the first pull, so that a change is noticed instead of guessed at."""

from collections.abc import Iterator
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, model_validator
from pydantic import Field as Constraint

RESERVED = frozenset(
    {
        "reading_id",
        "source_key",
        "revision",
        "content_hash",
        "event_at",
        "ingested_at",
        "superseded_at",
        "superseded_by",
        "entity",
        "run_id",
    }
)  # columns of ours in each monitor's table, and beside its rows
FieldType = Literal["number", "integer", "category", "boolean", "time", "text"]


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Field(_Frozen):
    """One column of a monitor, and why it was given its type.

    number:   float64, may be missing
    integer:  int64, exact beyond 2**53, may be missing
    category: text of a limited set
    boolean:  true, false or missing
    time:     aware UTC
    text:     free text and identifiers; stored, never a feature
    """

    name: str = Constraint(min_length=1)
    type: FieldType
    reason: str = ""


class LeftOut(_Frozen):
    """A column of the source that is not stored as a field, and why."""

    name: str
    reason: str


class Schema(_Frozen):
    """The pinned fields in their order.

    >>> schema = Schema(fields=(Field(name="amount", type="number"),))
    >>> Schema.model_validate_json(schema.model_dump_json()) == schema
    True
    """

    fields: tuple[Field, ...] = ()
    left_out: tuple[LeftOut, ...] = ()

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        names = [f.name for f in self.fields]
        twice = sorted({n for n in names if names.count(n) > 1})
        if twice:
            raise ValueError(f"fields named twice: {twice}; every field needs a name of its own")
        return self

    def __iter__(self) -> Iterator[Field]:  # type: ignore[override]  # a schema is its fields, not pydantic's pairs
        return iter(self.fields)

    @property
    def names(self) -> list[str]:
        return [f.name for f in self.fields]

    @property
    def unlearnt(self) -> dict[str, str]:
        """Columns that no version learns from, and why.

        >>> Schema(fields=(Field(name="a", type="text", reason="free text"),)).unlearnt
        {'a': 'text, not learnt from: free text'}
        """
        texts = {
            f.name: f"text, not learnt from: {f.reason}".removesuffix(": ") for f in self if f.type == "text"
        }
        return texts | {left.name: left.reason for left in self.left_out}

    def of(self, *types: FieldType) -> list[str]:
        """Names of the fields of these types, in order.

        >>> Schema(fields=(Field(name="a", type="number"), Field(name="b", type="text"))).of("number")
        ['a']
        """
        return [f.name for f in self.fields if f.type in types]
