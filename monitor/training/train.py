"""Lightning's part: one trainer, no files, no chatter, the same numbers for the same seed."""

import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from pytorch_lightning import Callback, LightningModule, Trainer

from monitor.models.autoencoder import Autoencoder, Plan, Sampler
from monitor.training.recipes import Recipe

Progress = Callable[[float, str], None]


class Report(Callback):
    """Tells how far training is, chunk by chunk."""

    def __init__(self, on_progress: Progress, plan: Plan) -> None:
        self.on_progress, self.plan = on_progress, plan

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: int, batch_idx: int
    ) -> None:
        done = self.plan.chunk(batch)[-1] + 1
        self.on_progress(done / self.plan.steps, f"step {done} of {self.plan.steps}")


def train(
    recipe: Recipe, sampler: Sampler, seed: int, on_progress: Progress, unseen: Sampler | None = None
) -> Autoencoder:
    """Runs the recipe's steps; ``on_progress`` gets a fraction 0..1 and words, ``unseen`` only the curve."""
    plan = Plan(recipe.steps, recipe.batch, seed)
    module = Autoencoder(recipe.network, recipe.objective, sampler, plan, unseen)
    logging.getLogger("pytorch_lightning").setLevel(
        logging.WARNING
    )  # what hardware there is, at each training
    with warnings.catch_warnings():
        # Lightning asks for DataLoader workers and for shorter logging steps; neither applies to tensors in memory.
        warnings.filterwarnings("ignore", module="pytorch_lightning")
        warnings.filterwarnings("ignore", message=".*LeafSpec.*")  # Lightning's use of torch's own internals
        trainer = Trainer(
            accelerator="cpu",
            devices=1,
            max_epochs=1,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            callbacks=[Report(on_progress, plan)],
        )
        trainer.fit(module, train_dataloaders=plan)
    return module.eval()


@contextmanager
def one_thread() -> Iterator[None]:
    """Networks this small lose to a second thread, by far when other work holds the core it waits for."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
