/** What the record of a run says of its steps, read from the RO-Crate that it is. Pure. */

/** Texts by name. */
export type Texts = { [name: string]: string };

/** What is recorded of one step. */
export interface Recorded {
  values: Texts;
  results: Texts;
  /** SHA-256 of what came out, by its name. */
  outputs: Texts;
  /** SHA-256 of the notebook; of a command its words. */
  code: string;
  /** Names and versions. */
  software: Texts;
  image: string;
  /** The kind of its backend, how many members it had, and its options; '' for none. */
  backend: string;
}

type Entity = { [property: string]: unknown };

const ATTEMPT = /^#steps\/(.+)\/attempt$/;

/** By the steps' names; steps that are not recorded are missing. */
export function recorded(crate: unknown): { [step: string]: Recorded } {
  const graph = entities((crate as Entity | null)?.['@graph']);
  const known = new Map(graph.map(one => [one['@id'], one]));
  const all = (value: unknown) =>
    (Array.isArray(value) ? value : [value])
      .map(one => known.get((one as Entity | null | undefined)?.['@id']))
      .filter(one => one !== undefined);
  const found: { [step: string]: Recorded } = {};
  for (const action of graph) {
    const [, step] = ATTEMPT.exec(`${action['@id']}`) ?? [];
    if (step) {
      const [instrument = {}] = all(action.instrument);
      const [image = {}] = all(action.containerImage);
      const results = all(action.result);
      found[step] = {
        values: pairs(all(action.object).filter(isValue), 'value'),
        results: pairs(results.filter(isValue), 'value'),
        // what lies in the attempt's own folder has no address, and is never the same twice
        outputs: pairs(
          results.filter(one => one.sha256 && `${one['@id']}`.includes('://')),
          'sha256'
        ),
        code: text(instrument.sha256 ?? wordsOf(instrument.description)),
        software: pairs(all(instrument.softwareRequirements), 'softwareVersion'),
        image: ['registry', 'name', 'tag', 'sha256']
          .map(part => image[part])
          .filter(Boolean)
          .join(' '),
        backend: backendOf(pairs(all(action.additionalProperty), 'value'))
      };
    }
  }
  return found;
}

function entities(graph: unknown): Entity[] {
  const objects = Array.isArray(graph) ? graph : [];
  return objects.filter(one => typeof one === 'object' && one !== null);
}

function isValue(entity: Entity): boolean {
  return entity['@type'] === 'PropertyValue';
}

function pairs(found: readonly Entity[], property: string): Texts {
  return Object.fromEntries(found.map(one => [`${one.name}`, text(one[property])]));
}

/** Lists and objects are written the same way, whoever wrote them. */
export function text(value: unknown): string {
  if (typeof value !== 'string') {
    return JSON.stringify(value) ?? '';
  }
  return /^[[{]/.test(value) ? (JSON.stringify(json(value)) ?? value) : value;
}

function backendOf(circumstances: Texts): string {
  const { 'backend kind': kind, 'backend members': members } = circumstances;
  const { 'backend members wanted': wanted, 'backend options': options } = circumstances;
  const size = wanted && wanted !== members ? `${members}/${wanted}` : members;
  const told = Object.entries(object(options)).map(([name, value]) => `${name} ${text(value)}`);
  return [kind, size, told.join(', ')].filter(Boolean).join(' · ');
}

/** Those of a command, as they are typed. */
function wordsOf(written: unknown): string {
  const words = json(`${written ?? ''}`);
  return Array.isArray(words) ? words.join(' ') : `${written ?? ''}`;
}

function object(written: string | undefined): object {
  const found = json(written ?? '');
  return typeof found === 'object' && found !== null ? found : {};
}

/** Undefined for what is none. */
function json(written: string): unknown {
  try {
    return JSON.parse(written);
  } catch {
    return undefined;
  }
}
