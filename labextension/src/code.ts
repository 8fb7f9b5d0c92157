/** The code that connects a kernel to a backend, and what to make of code that was run. Pure. */
import { type Backend, ended } from './model';

/** As a string of Python; what can't be seen, or turns the reading direction, is written out. */
export function quote(text: string): string {
  return JSON.stringify(text).replace(/[\p{C}\p{Zl}\p{Zp}]/gu, character => {
    const code = (character.codePointAt(0) ?? 0).toString(16);
    return code.length > 4 ? `\\U${code.padStart(8, '0')}` : `\\u${code.padStart(4, '0')}`;
  });
}

/** What a string of Python stands for, given what is between its quotes. */
function unquote(text: string): string {
  const special: Record<string, string> = { n: '\n', r: '\r', t: '\t', b: '\b', f: '\f' };
  return text.replace(
    /\\(?:u([\da-f]{4})|U([\da-f]{8})|(.))/gi,
    (_, short?: string, long?: string, one = '') =>
      (short ?? long) ? codePoint(short ?? long ?? '') : (special[one] ?? one)
  );
}

function codePoint(hex: string): string {
  const code = Number.parseInt(hex, 16);
  return code <= 0x10ffff ? String.fromCodePoint(code) : '';
}

/** Its name where that says which one is meant, as the service reads it; else its id. */
export function reference(backend: Backend, backends: Iterable<Backend>, user: string): string {
  const named = [...backends].filter(({ name }) => name === backend.name);
  const live = named.filter(other => !ended(other));
  const own = live.filter(({ owner }) => owner === user);
  const meant = own.length > 0 ? own : live;
  return meant.length === 1 && meant[0]?.id === backend.id ? backend.name : backend.id;
}

/** What the variable is called that the client is in. */
function variable(kind: string): string {
  return kind === 'arkouda' ? 'ak' : 'client';
}

/** The cell that attaches, `target` being a name or an id. */
export function attachCode(kind: string, target: string): string {
  return `import alongside\n\n${variable(kind)} = alongside.attach(${quote(target)})`;
}

/** The backend that `Client()` without arguments means in a session. */
export function sessionBackend(
  backends: Iterable<Backend>,
  session: string | null,
  user: string,
  kind = 'dask'
): Backend | null {
  const mine = [...backends].filter(
    backend =>
      backend.kind === kind &&
      backend.session === session &&
      backend.owner === user &&
      !ended(backend) &&
      backend.phase !== 'stopping'
  );
  const rank = (backend: Backend) => (backend.name === kind ? 0 : Date.parse(backend.created));
  return mine.sort((a, b) => rank(a) - rank(b))[0] ?? null;
}

const ATTACH =
  /^[^#'"\n]*\b(?:attach|resume)\(\s*(?:(["'])((?:\\.|(?!\1).)*)\1\s*)?(?:,?\s*kind\s*=\s*(["'])(\w+)\3\s*)?[,)]/gm;
const CLIENT = /^[^#'"\n]*\bClient\(\s*\)/m;

/** The backend that a kernel is connected to once this code has run, where the code says so. */
export function attachedBy(
  code: string,
  backends: Iterable<Backend>,
  session: string | null,
  user: string
): Backend | null {
  const all = [...backends];
  const last = [...code.matchAll(ATTACH)].at(-1);
  if (last) {
    const target = last[2] === undefined ? undefined : unquote(last[2]);
    return target === undefined
      ? sessionBackend(all, session, user, last[4])
      : (all.find(({ id }) => id === target) ??
          all.find(({ name, owner }) => name === target && owner === user) ??
          all.find(({ name }) => name === target) ??
          null);
  }
  return CLIENT.test(code) ? sessionBackend(all, session, user) : null;
}

/** Code that changes its size over a new start, and tells of it in lines of JSON. It leaves nothing
 * among the notebook's variables. With `discard`, nothing is saved. */
export function relaunchCode(id: string, options: object, discard: boolean): string {
  const module = `__import__("alongside.resizing", fromlist=["from_panel"])`;
  return `${module}.from_panel(${quote(id)}, ${python(options)}, ${python(discard)})`;
}

/** Code that saves what the notebook has in it and ends it, and tells of it in the same way. */
export function pauseCode(id: string): string {
  const script = [
    'from alongside.errors import AlongsideError',
    'from alongside.progress import Progress, Step',
    'from alongside.session import service',
    'def tell(progress):',
    '    print(progress.line(), flush=True)',
    'try:',
    `    service().backend(${quote(id)}).pause(tell=tell)`,
    'except AlongsideError as error:',
    '    tell(Progress(Step.FAILED, error.message, remedy=error.remedy))'
  ];
  return `exec(${quote(script.join('\n'))}, {})`;
}

/** Code that launches one like it. */
export function launchCode(backend: Backend): string {
  const options = Object.entries(backend.options)
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `, ${name}=${python(value)}`)
    .join('');
  const name = `, name=${quote(backend.name)}`;
  const profile = backend.profile ? `, profile=${quote(backend.profile)}` : '';
  return `import alongside\n\nalongside.launch(${quote(backend.kind)}${name}${profile}${options})`;
}

function python(value: unknown): string {
  if (Array.isArray(value)) {
    return `[${value.map(python).join(', ')}]`;
  }
  if (value !== null && typeof value === 'object') {
    const parts = Object.entries(value).map(([key, one]) => `${quote(key)}: ${python(one)}`);
    return `{${parts.join(', ')}}`;
  }
  if (typeof value === 'boolean') {
    return value ? 'True' : 'False';
  }
  return typeof value === 'string' ? quote(value) : value === null ? 'None' : `${value}`;
}

/** A word of a shell that is read as it stands. */
function shellWord(text: string): string {
  return /^[\w.:/@%+,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** The command that tells what made the file of this hash, or was made of it. */
export function traceCommand(sha256: string, derived: boolean): string {
  return `alongside runs trace ${sha256}${derived ? ' --derived' : ''}`;
}

/** The command that shows it, and goes on from there. */
export function shellCommand(target: string): string {
  return `alongside show ${shellWord(target)}`;
}
