"""Networks, objectives and the one LightningModule that joins them; only training imports this package."""
