"""Where things are in the terminal: what is in progress, a question, the input, completions, the status."""

from collections.abc import Callable

from prompt_toolkit.application import get_app
from prompt_toolkit.filters import Condition, has_completions
from prompt_toolkit.formatted_text import ANSI, AnyFormattedText, StyleAndTextTuples
from prompt_toolkit.key_binding import KeyBindings
from prompt_toolkit.layout import ConditionalContainer, HSplit, Layout, VerticalAlign, VSplit, Window
from prompt_toolkit.layout.controls import BufferControl, FormattedTextControl
from prompt_toolkit.layout.dimension import Dimension
from prompt_toolkit.styles import Style

from hermes.cli.interactive.composer import Composer
from hermes.cli.interactive.dialog import Dialog
from hermes.cli.text import cells, fit, fit_line, pad

INPUT_LINES = 10
COMPLETION_LINES = 6
ROOMY = 24
"""Rows from which on there is room for an empty line above the input."""

STYLE = Style.from_dict(
    {
        "rule": "ansibrightblack",
        "marker": "ansicyan bold",
        "status": "ansibrightblack",
        "queued": "ansibrightblack",
        "ask.title": "ansiyellow bold",
        "ask.bar": "ansiyellow",
        "ask.detail": "bold",
        "ask.reason": "ansiyellow",
        "ask.selected": "ansicyan bold",
        "ask.hint": "ansibrightblack",
        "completion": "",
        "completion.selected": "ansicyan bold",
        "completion.meta": "ansibrightblack",
    }
)


class Regions:
    """The layout, made once; its parts ask for their content whenever they are drawn."""

    def __init__(
        self,
        composer: Composer,
        *,
        live: Callable[[], str],
        dialog: Callable[[], Dialog | None],
        status: Callable[[], str],
        marker: Callable[[], str],
        dialog_keys: KeyBindings,
    ) -> None:
        self._dialog = dialog
        self.input = Window(
            BufferControl(composer.buffer),
            height=Dimension(min=1, max=INPUT_LINES),
            wrap_lines=True,
            dont_extend_height=True,
        )
        self._question = FormattedTextControl(self._dialog_text, focusable=True, key_bindings=dialog_keys)
        self.layout = Layout(
            HSplit(
                [
                    _when(lambda: bool(live()), _text(lambda: ANSI(live()))),
                    _when(
                        lambda: dialog() is not None,
                        Window(self._question, dont_extend_height=True, always_hide_cursor=True),
                    ),
                    _when(lambda: get_app().output.get_size().rows >= ROOMY, Window(height=1)),
                    Window(height=1, char="─", style="class:rule"),
                    VSplit([_text(marker, "class:marker", width=2), self.input]),
                    ConditionalContainer(_text(_completions), has_completions),
                    _when(lambda: bool(status()), _text(status, "class:status", height=1)),
                ],
                align=VerticalAlign.TOP,
            ),
            focused_element=self.input,
        )

    def focus_dialog(self) -> None:
        self.layout.focus(self._question)

    def focus_input(self) -> None:
        self.layout.focus(self.input)

    def _dialog_text(self) -> StyleAndTextTuples:
        dialog = self._dialog()
        return dialog.fragments(get_app().output.get_size().columns) if dialog else []


def _when(condition: Callable[[], bool], window: Window) -> ConditionalContainer:
    return ConditionalContainer(window, Condition(condition))


def _text(
    content: Callable[[], AnyFormattedText],
    style: str = "",
    *,
    width: int | None = None,
    height: int | None = None,
) -> Window:
    control = FormattedTextControl(content)
    return Window(control, style=style, width=width, height=height, dont_extend_height=True, wrap_lines=False)


def _completions() -> StyleAndTextTuples:
    """A few completions around the selected one, each with what it is."""
    app = get_app()
    state = app.current_buffer.complete_state
    if state is None:
        return []
    width = app.output.get_size().columns
    chosen = state.complete_index or 0
    first = max(0, min(chosen - COMPLETION_LINES // 2, len(state.completions) - COMPLETION_LINES))
    shown = state.completions[first : first + COMPLETION_LINES]
    names = min(max(cells(item.display_text) for item in shown) + 2, max(width // 2, 12))
    lines: StyleAndTextTuples = []
    for offset, item in enumerate(shown):
        selected = state.complete_index is not None and first + offset == chosen
        style = "class:completion.selected" if selected else "class:completion"
        marker = "❯ " if selected else "  "
        lines += [
            (style, pad(fit_line(f"{marker}{item.display_text}", names + 2), names + 2)),
            ("class:completion.meta", fit(item.display_meta_text, max(width - names - 3, 0))),
            ("", "\n"),
        ]
    return lines[:-1]
