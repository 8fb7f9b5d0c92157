/** One role's log, followed: what is there first, then what comes, over breaks of the stream. */
import { Refusal, type Service } from '../../requests';
import { beyond, type Lines, MOST } from './lines';

/** What is told while it is followed. */
export interface Listener {
  /** Lines were added; `gone` of the oldest went. */
  added(lines: readonly string[], gone: number): void;
  /** Whether it is connected, has come to its end, or why not. */
  status(status: Status): void;
}

export type Status =
  | { state: 'connecting' }
  | { state: 'following' }
  | { state: 'ended' }
  | { state: 'broken'; problem: string };

/** Milliseconds until the next try. */
const PAUSES = [500, 1000, 2000, 5000, 10_000];
/** Milliseconds of silence after which what was there already has come. */
const QUIET = 150;

/** Follow until `signal` is aborted or the log has ended for good. */
export async function follow(
  service: Pick<Service, 'logs'>,
  id: string,
  role: string,
  lines: Lines,
  goesOn: () => boolean,
  listener: Listener,
  signal: AbortSignal
): Promise<void> {
  for (let tries = 0; !signal.aborted; ) {
    const following = goesOn();
    listener.status({ state: 'connecting' });
    try {
      const stream = service.logs(id, role, { lines: MOST, follow: following, signal });
      for await (const batch of settled(stream)) {
        tries = 0;
        const fresh = batch.first ? beyond(lines.all, batch.lines) : batch.lines;
        listener.added(fresh, lines.add(fresh));
        listener.status({ state: 'following' });
      }
      if (!following) {
        listener.status({ state: 'ended' });
        return;
      }
    } catch (error) {
      if (signal.aborted) {
        return;
      }
      const problem = error instanceof Refusal ? `${error.message} ${error.remedy}` : '';
      listener.status({ state: 'broken', problem });
      if (error instanceof Refusal && (error.status === 403 || error.status === 404)) {
        return;
      }
    }
    await pause(PAUSES[Math.min(tries++, PAUSES.length - 1)] as number, signal);
  }
}

/** The batches of a stream; those that come at once at its beginning are one. */
async function* settled(
  stream: AsyncGenerator<string[]>
): AsyncGenerator<{ lines: string[]; first: boolean }> {
  let head: string[] = [];
  let next = stream.next();
  for (let begun = false; ; ) {
    const quiet = new Promise<'quiet'>(resolve => setTimeout(() => resolve('quiet'), QUIET));
    const got = await (begun ? Promise.race([next, quiet]) : next);
    if (got === 'quiet') {
      break;
    }
    if (got.done) {
      yield { lines: head, first: true };
      return;
    }
    begun = true;
    head = head.concat(got.value);
    next = stream.next();
  }
  yield { lines: head, first: true };
  for (;;) {
    const { done, value } = await next;
    if (done) {
      return;
    }
    yield { lines: value, first: false };
    next = stream.next();
  }
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
