"""The page in a notebook: an anywidget, whose questions Python answers over the notebook's connection."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import anywidget
import traitlets

from slidesum.show.page.front import script, style
from slidesum.show.page.session import Session


class View(anywidget.AnyWidget):
    """What `net.view(image)` returns. Show it as the last line of a cell.

    `session` holds the network and the image; what is changed on the page is changed there.
    """

    document = traitlets.Dict().tag(sync=True)
    numbers = traitlets.Bytes(b"").tag(sync=True)

    def __init__(self, session: Session, remarks: Sequence[str] = ()) -> None:
        self.session = session
        super().__init__(document=session.document(answers="asked", editable=True, remarks=remarks))
        self.on_msg(self._answer)

    def _answer(self, _: Any, content: Any, buffers: Sequence[Any]) -> None:
        try:
            found, sent = self.session.answer(content, [bytes(one) for one in buffers])
        except Exception as error:  # the page waits for an answer; the notebook shows the traceback
            told = {"headline": f"it can't be answered: {error}", "usual": "", "advice": "The notebook's log has the traceback."}
            self.send({"id": content.get("id") if isinstance(content, dict) else None, "error": told}, [])
            raise
        self.send(found, sent)


View._esm = script()
View._css = style()
