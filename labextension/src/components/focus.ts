/** Keys go on where they were, also when what had the focus makes way for something else. */
import { type RefObject, useLayoutEffect, useRef } from 'react';

/** For an element whose buttons come and go: `props` are for the element itself. When the button
 * that has the focus is taken away, the first of those that are there then gets it. */
export function useKeptFocus<T extends HTMLElement>(buttons: string) {
  const node: RefObject<T> = useRef<T>(null);
  const inside = useRef(false);
  // after every drawing, as any of them may have taken a button away
  useLayoutEffect(() => {
    if (inside.current && document.activeElement === document.body) {
      node.current?.querySelector<HTMLElement>(buttons)?.focus({ preventScroll: true });
    }
  });
  return {
    ref: node,
    onFocus: () => {
      inside.current = true;
    },
    onBlur: () => {
      inside.current = false;
    }
  };
}
