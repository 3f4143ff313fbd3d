"""``python -m sidecar.grafana``: writes files/ anew; for whoever changes a dashboard."""

import sys

from sidecar.grafana.build import FILES, files

for path, text in files().items():
    (FILES / path).parent.mkdir(parents=True, exist_ok=True)
    (FILES / path).write_text(text)
    sys.stdout.write(f"{FILES / path}\n")
