/** The state of a backend as a shape: it tells as much as its colour does. */
import type { Look } from './state';

/** Says nothing to a screen reader: the state stands beside it in words. */
export function Dot({ look }: { look: Look }) {
  return <span className={`alongside-Dot alongside-mod-${look}`} aria-hidden="true" />;
}
