/** Begins a drag once a pressed mouse has moved far enough not to be a click. */
import type { PointerEvent } from 'react';

/** Pixels that a hand moves without meaning it. */
const SLACK = 5;

/** For `onPointerDown`. What is dragged on a button stays the button's. */
export function whenDragged(
  begin: (at: { clientX: number; clientY: number }) => void
): (event: PointerEvent) => void {
  return ({ button, pointerType, clientX, clientY, target }) => {
    if (button !== 0 || pointerType !== 'mouse' || (target as Element).closest('button, input')) {
      return;
    }
    const moved = (event: globalThis.PointerEvent) => {
      if (Math.hypot(event.clientX - clientX, event.clientY - clientY) > SLACK) {
        end();
        event.preventDefault();
        begin({ clientX: event.clientX, clientY: event.clientY });
      }
    };
    const end = () => {
      document.removeEventListener('pointermove', moved);
      document.removeEventListener('pointerup', end);
      document.removeEventListener('pointercancel', end);
    };
    document.addEventListener('pointermove', moved);
    document.addEventListener('pointerup', end);
    document.addEventListener('pointercancel', end);
  };
}
