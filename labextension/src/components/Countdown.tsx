/** A text that follows the time. */
import { useClock } from './clock';

interface CountdownProps {
  /** Makes the text of a time: milliseconds since 1970. */
  read: (now: number) => string;
  now?: number | undefined;
  className?: string;
}

/** Drawn by itself, so that what is around it isn't drawn each second. */
export function Countdown({ read, now, className }: CountdownProps) {
  const text = useClock(read, now);
  return <span className={className}>{text}</span>;
}
