/** What somebody has chosen in the Launch dialog so far, and what is asked for with it. Pure. */
import {
  type Backend,
  type Catalogue,
  ended,
  type Launch,
  type OfferedKind,
  type Profile
} from '../model';
import { beginning, countName, growsByDefault, growthOf, type Options, schemaOf } from './schema';

export interface Choice {
  profile: string;
  kind: string;
  /** Empty: a free one is taken. */
  name: string;
  /** As the inputs have it: both a number of members and bounds of it. */
  options: Options;
  /** Whether the bounds count, and not the number. */
  grows: boolean;
  /** As written; empty: the profile's. */
  idle: string;
  maximum: string;
  keep: boolean;
}

/** What a dialog may be opened with. */
export interface Wish {
  profile?: string | undefined;
  kind?: string | undefined;
  name?: string | undefined;
  options?: Options | undefined;
}

/** The offer that is chosen, if it is there. */
export function offerOf(
  catalogue: Catalogue,
  { profile, kind }: Pick<Choice, 'profile' | 'kind'>
): OfferedKind | null {
  return catalogue.profiles.find(({ name }) => name === profile)?.backends[kind] ?? null;
}

/** What a dialog begins with: what is wished, else what was chosen before, else the defaults.
 *
 * Null when nothing is on offer. `before` may be anything. */
export function begin(catalogue: Catalogue, wish: Wish, before: unknown): Choice | null {
  const last = remembered(before);
  const offered = catalogue.profiles.filter(({ backends }) => Object.keys(backends).length > 0);
  const suits = (name: string | undefined, kind: string | undefined) =>
    offered.find(one => one.name === name && (!kind || one.backends[kind]));
  const profile =
    suits(wish.profile, wish.kind) ??
    suits(last?.profile, wish.kind) ??
    offered.find(one => !wish.kind || one.backends[wish.kind]) ??
    offered[0];
  if (!profile) {
    return null;
  }
  const kinds = [last?.kind, profile.default, ...Object.keys(profile.backends)];
  const there = kinds.filter((one): one is string => Boolean(one && profile.backends[one]));
  // what is asked for by name is shown, if only with why it can't be had
  const kind = wish.kind && profile.backends[wish.kind] ? wish.kind : firstPossible(profile, there);
  const same = !wish.options && last?.profile === profile.name && last.kind === kind;
  return filled(
    catalogue,
    { profile: profile.name, kind, name: wish.name ?? '' },
    same ? last : { options: wish.options ?? {} }
  );
}

/** The first of these kinds that can be had, else the first. */
export function firstPossible(
  { backends }: Pick<Profile, 'backends'>,
  kinds: readonly string[]
): string {
  return kinds.find(kind => !backends[kind]?.unavailable) ?? kinds[0] ?? '';
}

/** Why a kind can't be had where it is on offer, and what to do about it; '' when it can. */
export function whyUnavailable({ unavailable }: Pick<OfferedKind, 'unavailable'>): string {
  return unavailable ? `${unavailable.detail} ${unavailable.remedy}`.trim() : '';
}

/** The same person's choice of another profile or kind: what fits there is kept. */
export function moved(
  catalogue: Catalogue,
  choice: Choice,
  to: { profile: string; kind: string }
): Choice {
  const { name, idle, maximum, keep } = choice;
  return filled(catalogue, { ...to, name }, { options: {}, idle, maximum, keep });
}

function filled(
  catalogue: Catalogue,
  { profile, kind, name }: Pick<Choice, 'profile' | 'kind' | 'name'>,
  given: Partial<Choice> & { options: Options }
): Choice {
  const offer = offerOf(catalogue, { profile, kind }) as OfferedKind;
  const growth = growthOf(offer);
  const known = Object.entries(given.options).filter(
    ([option, value]) => value !== null && option in (schemaOf(offer).properties ?? {})
  );
  const wished = Object.fromEntries(known);
  const grows =
    given.grows ??
    (growth !== null &&
      (wished[growth.name] ? true : !(countName(offer) in wished) && growsByDefault(offer)));
  return {
    profile,
    kind,
    name,
    options: { ...beginning(offer), ...wished },
    grows: grows && growth !== null,
    idle: given.idle ?? '',
    maximum: given.maximum ?? '',
    keep: given.keep ?? false
  };
}

/** What counts of the options, as the service takes them. */
export function optionsOf(offer: OfferedKind, { options, grows }: Choice): Options {
  const left = grows ? countName(offer) : growthOf(offer)?.name;
  const counts = Object.entries(options).filter(
    ([name, value]) => name !== left && value !== undefined
  );
  return Object.fromEntries(counts);
}

/** What is asked for. */
export function requestOf(offer: OfferedKind, choice: Choice, name: string): Launch {
  const lifetime = {
    ...(choice.idle.trim() && { idle: choice.idle.trim() }),
    ...(choice.maximum.trim() && { maximum: choice.maximum.trim() })
  };
  return {
    kind: choice.kind,
    name,
    options: optionsOf(offer, choice),
    keep: choice.keep,
    ...(Object.keys(lifetime).length > 0 && { lifetime })
  };
}

/** The names that can't be taken in this session. */
export function namesTaken(
  backends: Iterable<Backend>,
  user: string,
  session: string | null
): Set<string> {
  const mine = [...backends].filter(
    one => one.owner === user && one.session === session && !ended(one)
  );
  return new Set(mine.map(({ name }) => name));
}

/** `dask`, or the first of `dask-2`, `dask-3`, … that is free. */
export function freeName(kind: string, taken: ReadonlySet<string>): string {
  let name = kind;
  for (let n = 2; taken.has(name); n++) {
    name = `${kind}-${n}`;
  }
  return name;
}

/** The text to keep of a choice for the next time. */
export function remember({ name: _, ...choice }: Choice): string {
  return JSON.stringify(choice);
}

function remembered(before: unknown): Omit<Choice, 'name'> | null {
  const last = before as Partial<Choice> | null;
  const texts = [last?.profile, last?.kind, last?.idle, last?.maximum];
  const truths = [last?.grows, last?.keep];
  const sound =
    texts.every(one => typeof one === 'string') &&
    truths.every(one => typeof one === 'boolean') &&
    typeof last?.options === 'object' &&
    last.options !== null;
  return sound ? (last as Choice) : null;
}
