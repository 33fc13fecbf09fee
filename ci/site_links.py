"""A hook of mkdocs.yml: docs/ is written for GitHub, where links may leave the folder. On the site they lead there."""

import posixpath
import re
from typing import Any

_LINK = re.compile(r"\]\((?![a-z]+:|#)([^)\s]+)\)")
_REPOSITORY = "https://github.com/steward-dev/steward/blob/main"


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Called by mkdocs with the text of each page."""
    folder = posixpath.dirname(page.file.src_uri)

    def lead(link: re.Match[str]) -> str:
        path = posixpath.normpath(posixpath.join("docs", folder, link[1]))
        return link[0] if path.startswith("docs/") else f"]({_REPOSITORY}/{path})"

    return _LINK.sub(lead, markdown)
