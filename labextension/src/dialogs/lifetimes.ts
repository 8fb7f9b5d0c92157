/** When backends end by themselves, in words. Pure. */
import type { Backend } from '../model';
import { formatDuration, parseDuration, type Trans } from '../words';

type Lifetime = Backend['lifetime'];

/** When it ends anyway: "or after 30 min without work, at the latest after 8 h". */
export function endsText({ idle, maximum }: Lifetime, trans: Trans): string {
  const parts = [
    idle ? trans.__('after %1 without work', tidy(idle)) : '',
    maximum ? trans.__('at the latest after %1', tidy(maximum)) : ''
  ].filter(Boolean);
  return parts.length > 0 ? trans.__('or %1', parts.join(', ')) : '';
}

/** How long a person may let it be. */
export function atMost(most: string | null | undefined, trans: Trans): string {
  return most
    ? trans.__('At most %1.', tidy(most))
    : trans.__('For example 30 min or 8 h; empty: never.');
}

/** What is wrong with a length of time as it is written; '' when nothing is. */
export function wrongSpan(text: string, most: string | null | undefined, trans: Trans): string {
  if (text.trim() === '') {
    return '';
  }
  const seconds = parseDuration(text);
  if (!(seconds > 0)) {
    return trans.__('Write a time with a unit, for example 30 min or 8 h.');
  }
  return most && seconds > parseDuration(most) ? trans.__('Choose at most %1.', tidy(most)) : '';
}

function tidy(span: string): string {
  return formatDuration(parseDuration(span));
}
