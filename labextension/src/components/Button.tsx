/** A button that says why it can't be pressed. */
import type { ReactNode } from 'react';

interface ButtonProps {
  onPress: () => void;
  children: ReactNode;
  /** Why it can't be pressed; '' when it can. */
  reason?: string | undefined;
  /** What it does, when what stands on it isn't enough. */
  label?: string | undefined;
  title?: string | undefined;
  variant?: 'plain' | 'link' | 'danger' | 'quiet' | 'primary';
}

/** One that can't be pressed can still be reached by keyboard: otherwise nobody hears why. */
export function Button({ onPress, children, reason, label, title, variant }: ButtonProps) {
  return (
    <button
      type="button"
      className={`alongside-Button alongside-mod-${variant ?? 'plain'}`}
      aria-label={label}
      aria-disabled={reason ? true : undefined}
      title={reason || title}
      onClick={() => {
        if (!reason) {
          onPress();
        }
      }}
    >
      {children}
    </button>
  );
}
