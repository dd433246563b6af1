"""The dashboard's entry: which pages there are. Run by ``monitor dashboard``."""

import streamlit as st

from dashboards.markup import FILES, read
from dashboards.views import alerts, monitors, overview, runs

st.set_page_config(page_title="monitor", layout="wide", initial_sidebar_state="collapsed")
st.html(f"<style>{read('assets/frame.css')}</style>")
st.logo(str(FILES.joinpath("assets/logo.svg")), size="medium")
pages = {
    "overview": st.Page(overview.show, title="Overview", url_path="overview", default=True),
    "alerts": st.Page(alerts.show, title="Alerts", url_path="alerts"),
    "monitors": st.Page(monitors.show, title="Monitors", url_path="monitors"),
    "runs": st.Page(runs.show, title="Runs", url_path="runs"),
}
st.session_state["pages"] = pages
st.navigation(list(pages.values()), position="top").run()
