"""Runs steward as in a pod, for a process that is in none: the files of the service account are those in $SERVICE_ACCOUNT_FILES.

Only the path is different; what reads them, and when, is what does so in a pod.
"""

import os
from pathlib import Path

from kubernetes.config import incluster_config

from steward.cli import main
from steward.runtime import auth

FILES = Path(os.environ["SERVICE_ACCOUNT_FILES"])

auth.SERVICE_ACCOUNT = FILES
incluster_config.SERVICE_TOKEN_FILENAME = str(FILES / "token")
incluster_config.SERVICE_CERT_FILENAME = str(FILES / "ca.crt")

main()
