"""The dashboard's entry: which pages there are. Run by ``monitor dashboard``."""

import streamlit as st

from dashboards.markup import FILES, read
from dashboards.views import alerts

st.set_page_config(page_title="monitor", layout="wide", initial_sidebar_state="collapsed")
st.html(f"<style>{read('assets/frame.css')}</style>")
st.logo(str(FILES.joinpath("assets/logo.svg")), size="medium")
pages = [
    st.Page(alerts.show, title="Alerts", url_path="alerts"),
]
st.navigation(pages, position="top").run()
