"""The environment, read once into one frozen object."""

import os
from pathlib import Path
from typing import Literal

import platformdirs
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Where things live and how much of the machine is used; each field is ``MONITOR_<NAME>``."""

    model_config = SettingsConfigDict(env_prefix="MONITOR_", frozen=True, extra="ignore")

    home: Path = Field(
        default_factory=lambda: Path(platformdirs.user_data_dir("monitor")),
        description="folder of everything the product keeps by itself",
    )
    database_url: str = Field(default="", description="SQLAlchemy URL; empty: SQLite under home")
    workers: int = Field(default=1, ge=1, le=64, description="processes that pull, score and notify")
    trainers: int = Field(default=1, ge=0, le=64, description="processes that train")
    lease_seconds: float = Field(default=60, gt=0, description="a run silent for this long is taken over")
    public_url: str = Field(
        default="", description="where people reach the dashboard; makes links in notifications"
    )
    log: Literal["debug", "info", "warning", "error"] = Field(
        default="warning", description="what is written to stderr; workers under `up` say info"
    )
    actor: str = Field(
        default_factory=lambda: os.environ.get("USER", "operator"),
        description="who is named in the audit trail for commands from this shell",
    )

    @property
    def url(self) -> str:
        return self.database_url or f"sqlite:///{self.home / 'monitor.db'}"
