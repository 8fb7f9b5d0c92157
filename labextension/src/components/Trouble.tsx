/** What went wrong: the cause in bold, a sentence, and what to do about it. */
import type { ReactNode } from 'react';

interface TroubleProps {
  /** In a few words, without a full stop. */
  cause?: string | undefined;
  detail: string;
  remedy?: string | undefined;
  /** A warning is told less loudly than a failure. */
  level?: 'error' | 'warning';
  /** Buttons that mend it. */
  children?: ReactNode;
}

export function Trouble({ cause, detail, remedy, level = 'error', children }: TroubleProps) {
  const repeats = cause && detail.toLowerCase().startsWith(cause.toLowerCase());
  return (
    <div className={`alongside-Trouble alongside-mod-${level}`}>
      <p>
        {cause && !repeats && <strong>{cause}. </strong>}
        {detail}
        {remedy && ` ${remedy}`}
      </p>
      {children}
    </div>
  );
}
