"""Uploads 51 certificates, one more than the service lists on a page."""

import json
import os
from pathlib import Path
from urllib.request import ProxyHandler, Request, build_opener

url = f"{os.environ['CLOUDFLARE_BASE_URL']}/accounts/{os.environ['CLOUDFLARE_ACCOUNT_ID']}/mtls_certificates"
headers = {"Authorization": f"Bearer {os.environ['CLOUDFLARE_API_TOKEN']}", "User-Agent": "fill"}
opener = build_opener(ProxyHandler({}))
for number, path in enumerate(sorted(Path(os.environ["FILLING"]).iterdir())):
    body = {"ca": True, "certificates": path.read_text(), "name": f"filling {number}"}
    opener.open(Request(url, json.dumps(body).encode(), headers), timeout=10).close()
