/** A button that opens a menu. The menu hangs on the page's body, so that nothing cuts it off. */
import {
  type KeyboardEvent,
  type ReactNode,
  useCallback,
  useEffect,
  useId,
  useLayoutEffect,
  useRef,
  useState
} from 'react';
import { createPortal } from 'react-dom';

export interface MenuItem {
  label: string;
  run: () => void;
  /** Why it can't be chosen; '' when it can. */
  reason?: string;
  /** What it does, in a sentence. */
  title?: string;
  /** Drawn apart from what is above it. */
  apart?: boolean;
  danger?: boolean;
}

interface MenuProps {
  /** What is read out for the button and its menu. */
  label: string;
  items: readonly MenuItem[];
  /** What stands on the button. */
  children: ReactNode;
  /** Why the menu can't be opened; '' when it can. */
  reason?: string;
  variant?: 'plain' | 'quiet';
}

export function Menu({ label, items, children, reason, variant = 'plain' }: MenuProps) {
  const id = useId();
  const button = useRef<HTMLButtonElement>(null);
  /** The place that has the focus when it opens: the first or the last; null: it isn't open. */
  const [open, setOpen] = useState<'first' | 'last' | null>(null);
  const close = useCallback((refocus: boolean) => {
    setOpen(null);
    if (refocus) {
      button.current?.focus();
    }
  }, []);
  const openBy = (event: KeyboardEvent) => {
    if ((event.key === 'ArrowDown' || event.key === 'ArrowUp') && !reason) {
      event.preventDefault();
      event.stopPropagation();
      setOpen(event.key === 'ArrowDown' ? 'first' : 'last');
    }
  };
  return (
    <>
      <button
        ref={button}
        type="button"
        className={`alongside-Button alongside-mod-${variant}`}
        aria-label={label}
        aria-haspopup="menu"
        aria-expanded={open !== null}
        aria-controls={open ? id : undefined}
        aria-disabled={reason ? true : undefined}
        title={reason || label}
        onClick={() => !reason && setOpen(open ? null : 'first')}
        onKeyDown={openBy}
      >
        {children}
      </button>
      {open &&
        createPortal(
          <OpenMenu
            id={id}
            label={label}
            items={items}
            start={open}
            anchor={button.current}
            close={close}
          />,
          document.body
        )}
    </>
  );
}

interface OpenMenuProps {
  id: string;
  label: string;
  items: readonly MenuItem[];
  start: 'first' | 'last';
  anchor: HTMLElement | null;
  close: (refocus: boolean) => void;
}

function OpenMenu({ id, label, items, start, anchor, close }: OpenMenuProps) {
  const menu = useRef<HTMLDivElement>(null);
  const focus = useCallback((place: number) => {
    const all = menu.current?.querySelectorAll<HTMLElement>('[role="menuitem"]') ?? [];
    all[(place + all.length) % all.length]?.focus({ preventScroll: false });
  }, []);

  useLayoutEffect(() => {
    if (menu.current && anchor) {
      place(menu.current, anchor);
    }
    focus(start === 'first' ? 0 : -1);
  }, [anchor, focus, start]);

  useEffect(() => {
    const elsewhere = (event: Event) => {
      const target = event.target as Node;
      if (!menu.current?.contains(target) && !anchor?.contains(target)) {
        close(false);
      }
    };
    const moved = () => close(false);
    document.addEventListener('pointerdown', elsewhere, true);
    document.addEventListener('scroll', elsewhere, true);
    window.addEventListener('resize', moved);
    window.addEventListener('blur', moved);
    return () => {
      document.removeEventListener('pointerdown', elsewhere, true);
      document.removeEventListener('scroll', elsewhere, true);
      window.removeEventListener('resize', moved);
      window.removeEventListener('blur', moved);
    };
  }, [anchor, close]);

  const move = (event: KeyboardEvent) => {
    const all = [...(menu.current?.querySelectorAll('[role="menuitem"]') ?? [])];
    const here = all.indexOf(document.activeElement as Element);
    const places: Record<string, number> = {
      ArrowDown: here + 1,
      ArrowUp: here - 1,
      Home: 0,
      End: -1
    };
    const to = places[event.key];
    // a key that the menu knows is not the notebook's too
    event.stopPropagation();
    if (to !== undefined) {
      event.preventDefault();
      focus(to);
    } else if (event.key === 'Escape') {
      event.preventDefault();
      close(true);
    } else if (event.key === 'Tab') {
      close(true); // the browser goes on from the button
    } else if (event.key.length === 1 && event.key !== ' ' && !event.ctrlKey && !event.metaKey) {
      focusByLetter(event.key, here);
    }
  };
  const focusByLetter = (letter: string, here: number) => {
    const starts = (item: MenuItem) => item.label.toLowerCase().startsWith(letter.toLowerCase());
    const later = items.findIndex((item, i) => i > here && starts(item));
    const found = later >= 0 ? later : items.findIndex(starts);
    if (found >= 0) {
      focus(found);
    }
  };

  return (
    <div
      ref={menu}
      id={id}
      className="alongside-Menu"
      role="menu"
      aria-label={label}
      tabIndex={-1}
      onKeyDown={move}
    >
      {items.map(item => (
        <button
          key={item.label}
          type="button"
          role="menuitem"
          tabIndex={-1}
          className={[
            'alongside-MenuItem',
            item.apart ? 'alongside-mod-apart' : '',
            item.danger ? 'alongside-mod-danger' : ''
          ].join(' ')}
          aria-disabled={item.reason ? true : undefined}
          title={item.reason || item.title}
          onClick={() => {
            if (!item.reason) {
              close(true);
              item.run();
            }
          }}
        >
          {item.label}
        </button>
      ))}
    </div>
  );
}

/** Below its button, or above it where there is more room; always within the window. */
function place(menu: HTMLElement, anchor: HTMLElement): void {
  const gap = 2;
  const margin = 4;
  const { top, bottom, left, right } = anchor.getBoundingClientRect();
  const { width, height } = menu.getBoundingClientRect();
  const below = window.innerHeight - bottom - gap - margin;
  const above = top - gap - margin;
  const upwards = height > below && above > below;
  menu.style.maxHeight = `${Math.max(80, upwards ? above : below)}px`;
  menu.style.top = upwards ? 'auto' : `${bottom + gap}px`;
  menu.style.bottom = upwards ? `${window.innerHeight - top + gap}px` : 'auto';
  const from = left + width + margin > window.innerWidth ? right - width : left;
  menu.style.left = `${Math.max(margin, Math.min(from, window.innerWidth - width - margin))}px`;
}
