/** What a dialog knows of the service, kept up to date while it is open. */
import { useEffect, useState } from 'react';

import type { Catalogue, Chosen, Launch, Problem } from '../model';
import { problemOf } from '../requests';
import type { IAlongside } from '../tokens';
import type { Trans } from '../words';

/** Milliseconds without another change before the service is asked. */
const QUIET = 250;
/** Milliseconds before a service that did not answer is asked again. */
const AGAIN = 3000;

/** Whether nobody answered, so that asking again may help. */
export function unanswered({ status }: Problem): boolean {
  return !status || status >= 502;
}

/** What is on offer, asked for until it is had. */
export function useCatalogue(
  { service, store }: IAlongside,
  trans: Trans
): { catalogue: Catalogue | null; problem: Problem | null } {
  const [catalogue, setCatalogue] = useState<Catalogue | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [tries, setTries] = useState(0);
  const away = store.problem !== null;
  // biome-ignore lint/correctness/useExhaustiveDependencies: a service that is back is asked at once
  useEffect(() => {
    if (catalogue) {
      return;
    }
    let [stale, timer] = [false, 0];
    service.catalogue().then(
      found => !stale && setCatalogue(found),
      error => {
        if (!stale) {
          setProblem(problemOf(error, trans));
          timer = window.setTimeout(() => setTries(tries + 1), AGAIN);
        }
      }
    );
    return () => {
      stale = true;
      window.clearTimeout(timer);
    };
  }, [service, trans, catalogue, tries, away]);
  return { catalogue, problem: catalogue ? null : problem };
}

/** What the service says to a request. `of` is the request that this was said to. */
export interface Checked {
  of: string;
  chosen: Chosen | null;
  problem: Problem | null;
}

/** A request as text: what was said to another one does not count any more. */
export function keyOf(profile: string, request: Launch | null): string {
  return JSON.stringify([profile, request]);
}

/** Have a request checked a moment after its last change, and again when something else that is
 * used, or the service, has changed. */
export function useCheck(
  { service, store }: IAlongside,
  profile: string,
  request: Launch | null,
  trans: Trans
): Checked | null {
  const [said, setSaid] = useState<Checked | null>(null);
  const [tries, setTries] = useState(0);
  const key = keyOf(profile, request);
  const world = JSON.stringify([store.me?.used, store.me?.limits, store.problem !== null]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: what is used may have changed elsewhere
  useEffect(() => {
    const [of, body] = JSON.parse(key) as [string, Launch | null];
    if (body === null) {
      return;
    }
    let stale = false;
    const ask = async () => {
      try {
        const chosen = await service.check(of, body);
        return { of: key, chosen, problem: null };
      } catch (error) {
        return { of: key, chosen: null, problem: problemOf(error, trans) };
      }
    };
    let timer = window.setTimeout(async () => {
      const answer = await ask();
      if (!stale) {
        setSaid(answer);
        if (answer.problem && unanswered(answer.problem)) {
          timer = window.setTimeout(() => setTries(tries + 1), AGAIN);
        }
      }
    }, QUIET);
    return () => {
      stale = true;
      window.clearTimeout(timer);
    };
  }, [service, trans, key, world, tries]);
  return said?.of === key ? said : null;
}
