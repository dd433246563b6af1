"""Streamlit's options: what the pages look like, and what the server does not do."""

from typing import Any

_COLOURS = {
    "light": {
        "backgroundColor": "#FFFFFF", "secondaryBackgroundColor": "#F3F5F7", "borderColor": "#D9DFE5",
        "textColor": "#16202B", "primaryColor": "#1D5B9C", "linkColor": "#1D5B9C",
    },
    "dark": {
        "backgroundColor": "#11161C", "secondaryBackgroundColor": "#1A2129", "borderColor": "#303A45",
        "textColor": "#E3E8ED", "primaryColor": "#7DB2E5", "linkColor": "#7DB2E5",
    },
}  # fmt: skip

OPTIONS: dict[str, Any] = {
    "browser.gatherUsageStats": False,
    "client.showErrorDetails": "none",
    "client.toolbarMode": "minimal",
    "server.fileWatcherType": "none",
    "server.headless": True,
    "server.maxUploadSize": 1,
    "theme.baseFontSize": 14,
    "theme.baseRadius": "0.3rem",
    "theme.paddingTop": "0.6rem",
    "theme.paddingBottom": "0.8rem",
    "theme.headingFontSizes": ["1.5rem", "1.2rem", "1.05rem"],
    "theme.headingFontWeights": [600, 600, 600],
} | {f"theme.{mode}.{name}": value for mode, colours in _COLOURS.items() for name, value in colours.items()}
