"""Which key does what."""

from typing import TYPE_CHECKING

from prompt_toolkit.filters import Condition, has_completions
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.keys import Keys

if TYPE_CHECKING:
    from hermes.cli.interactive.terminal_screen import TerminalScreen


def input_keys(screen: "TerminalScreen") -> KeyBindings:
    """Keys while text is typed."""
    keys = KeyBindings()
    buffer = screen.composer.buffer
    typing = Condition(lambda: screen.dialog is None)
    empty = Condition(lambda: not buffer.text)
    completing = has_completions & Condition(
        lambda: buffer.complete_state is not None and buffer.complete_state.complete_index is not None
    )

    @keys.add("enter", filter=typing & ~completing)
    def _send(event: KeyPressEvent) -> None:
        screen.send()

    @keys.add("enter", filter=typing & completing)
    def _take_completion(event: KeyPressEvent) -> None:
        buffer.complete_state = None

    @keys.add("escape", "enter", filter=typing)
    @keys.add("c-j", filter=typing)
    def _new_line(event: KeyPressEvent) -> None:
        buffer.insert_text("\n")

    @keys.add("tab", filter=typing)
    def _complete(event: KeyPressEvent) -> None:
        screen.complete()

    @keys.add("s-tab", filter=typing & has_completions)
    def _complete_backwards(event: KeyPressEvent) -> None:
        buffer.complete_previous()

    @keys.add(Keys.BracketedPaste, filter=typing)
    def _paste(event: KeyPressEvent) -> None:
        screen.composer.paste(event.data)

    @keys.add("c-d", filter=typing & empty)
    def _leave(event: KeyPressEvent) -> None:
        screen.leave()

    @keys.add("c-g", filter=typing)
    def _editor(event: KeyPressEvent) -> None:
        screen.edit_outside()

    _add_everywhere(keys, screen)
    return keys


def _add_everywhere(keys: KeyBindings, screen: "TerminalScreen") -> None:
    @keys.add(Keys.Vt100MouseEvent)
    @keys.add(Keys.CPRResponse)
    def _not_a_mouse(event: KeyPressEvent) -> None:
        """No mouse is asked for. What looks like its report is pasted text, such as a colour sequence."""

    @keys.add("c-c")
    @keys.add("<sigint>")
    def _interrupt(event: KeyPressEvent) -> None:
        screen.interrupt()

    @keys.add("c-l")
    def _clear(event: KeyPressEvent) -> None:
        screen.clear()

    @keys.add("c-z")
    def _suspend(event: KeyPressEvent) -> None:
        event.app.suspend_to_background()


def dialog_keys(screen: "TerminalScreen") -> KeyBindings:
    """Keys while a question is open. Selecting and answering are two steps, so that no stray key agrees to
    anything; what is typed before the question can be read goes into the input."""
    keys = KeyBindings()

    @keys.add("up")
    @keys.add("s-tab")
    def _up(event: KeyPressEvent) -> None:
        if screen.dialog is not None:
            screen.dialog.move(-1)

    @keys.add("down")
    @keys.add("tab")
    def _down(event: KeyPressEvent) -> None:
        if screen.dialog is not None:
            screen.dialog.move(1)

    @keys.add("enter")
    def _accept(event: KeyPressEvent) -> None:
        if screen.dialog is not None and not screen.dialog.fresh:
            screen.dialog.accept()

    @keys.add("escape", eager=True)
    def _back_out(event: KeyPressEvent) -> None:
        if screen.dialog is not None and not screen.dialog.fresh:
            screen.dialog.back_out()

    @keys.add(Keys.BracketedPaste)
    def _paste(event: KeyPressEvent) -> None:
        screen.composer.paste(event.data)

    @keys.add(Keys.Any)
    def _select(event: KeyPressEvent) -> None:
        if screen.dialog is None or not event.data.isprintable():
            return
        if screen.dialog.fresh:
            screen.composer.buffer.insert_text(event.data)
        else:
            screen.dialog.select(event.data)

    return keys
