import subprocess
import sys
import urllib.request
from pathlib import Path

from browser import serving, wait_until

ROOT = str(Path(__file__).parents[2])


def run(code: str, *arguments: str, folder: Path) -> str:
    environment = {"PYTHONPATH": ROOT, "HOME": str(folder), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_dashboard_never_loads_torch(url: str, tmp_path: Path) -> None:
    code = """
import sys
from streamlit.testing.v1 import AppTest
from monitor.settings import Settings
from monitor.web.asgi import create_app
from dashboards.markup import FILES
create_app(Settings(database_url=sys.argv[1]))
for view in ("overview", "alerts", "monitors", "runs"):
    at = AppTest.from_string(f"from dashboards.views import {view}; {view}.show()", default_timeout=60).run()
    assert not at.exception, at.exception
print(sorted(m for m in sys.modules if m.split(".")[0] in ("torch", "pytorch_lightning", "lightning", "onnxruntime")))
"""
    assert run(code, url, folder=tmp_path).strip().endswith("[]")


def test_no_file_in_the_current_folder_changes_the_options(tmp_path: Path) -> None:
    (tmp_path / ".streamlit").mkdir()
    (tmp_path / ".streamlit" / "config.toml").write_text(
        '[browser]\ngatherUsageStats = true\n[client]\nshowErrorDetails = "full"\n[theme.light]\nprimaryColor = "red"\n'
    )
    code = """
from monitor.settings import Settings
from monitor.web.asgi import create_app
create_app(Settings(database_url="sqlite://"))
import streamlit as st
print([st.get_option(n) for n in ("browser.gatherUsageStats", "client.showErrorDetails", "theme.light.primaryColor",
       "theme.dark.primaryColor", "runner.enforceSerializableSessionState")])
"""
    assert run(code, folder=tmp_path).strip() == "[False, 'none', '#1D5B9C', '#7DB2E5', False]"


def test_health_says_whether_the_database_answers(url: str, tmp_path: Path) -> None:
    with serving(url, tmp_path) as (address, process):
        with urllib.request.urlopen(f"{address}/healthz") as reply:
            assert reply.read() == b'{"status":"ok"}'
        process.send_signal(2)
        wait_until(lambda: process.poll() is not None, 10)
        assert process.returncode == 0
