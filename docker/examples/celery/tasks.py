"""A task of some seconds. Its queue is a folder, so that the example needs no broker."""

import time
from pathlib import Path

from celery import Celery

QUEUE = Path("/queue")
for name in ("in", "processed"):
    (QUEUE / name).mkdir(parents=True, exist_ok=True)

app = Celery("tasks", broker="filesystem://")
app.conf.broker_transport_options = {
    "data_folder_in": str(QUEUE / "in"),
    "data_folder_out": str(QUEUE / "in"),
    "processed_folder": str(QUEUE / "processed"),
}


@app.task
def work(name):
    (QUEUE / f"{name}.begun").touch()
    time.sleep(5)
    (QUEUE / f"{name}.done").touch()
