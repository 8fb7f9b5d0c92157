/** What another size of a running backend comes to. Pure. */
import { plural } from '../kinds';
import type { Backend, Me, OfferedKind, Patch } from '../model';
import type { Trans } from '../words';
import {
  AMOUNTS,
  eachOf,
  membersOf,
  mostMembers,
  NOTHING,
  resized,
  roomFor,
  type Share,
  shares,
  together,
  type Verdict,
  verdict
} from './amounts';
import { type Findings, findings } from './findings';
import { asked, beginning, countName, growthOf, type Options, type Schema } from './schema';

/** What is chosen in the Scale dialog. */
export interface Size {
  values: Options;
  grows: boolean;
}

/** The size that it has; with `members`: that number of members instead. */
export function sizeOf(backend: Backend, offer: OfferedKind, members?: number): Size {
  const growth = growthOf(offer)?.name ?? '';
  const count = countName(offer);
  const grows = Boolean(backend.options[growth]);
  const given = Object.entries(backend.options).filter(([, value]) => value !== null);
  const values = { ...beginning(offer), ...Object.fromEntries(given) };
  return members === undefined
    ? { values, grows }
    : { values: { ...values, [count]: members }, grows: false };
}

/** The inputs: of all options only those that say how many members there are. */
export function sizeSchema(offer: OfferedKind, grows: boolean, me: Me | null): Schema {
  const name = grows ? (growthOf(offer)?.name ?? '') : countName(offer);
  const { properties = {}, required: _, ...rest } = asked(offer, grows, me);
  const own = properties[name];
  return { ...rest, properties: own ? { [name]: own } : {}, required: [name] };
}

export interface Resize {
  wrong: Findings;
  /** What to send; null: nothing would change, or it can't be. */
  patch: Patch | null;
  changed: boolean;
  /** Whether members go, and with them what they have in memory. */
  shrinks: boolean;
  most: number | null;
  sum: { name: string; text: string }[];
  quota: Share[];
  verdict: Verdict;
}

export function resizeOf(
  backend: Backend,
  offer: OfferedKind,
  { values, grows }: Size,
  me: Me | null,
  trans: Trans
): Resize {
  const name = grows ? (growthOf(offer)?.name ?? '') : countName(offer);
  const chosen = { [name]: values[name] };
  const wrong = findings(sizeSchema(offer, grows, me), chosen, trans);
  const each = eachOf(backend.options);
  const before = sizeOf(backend, offer);
  const now = membersOf(offer, before.values, before.grows);
  const members = membersOf(offer, values, grows);
  const sound = Object.keys(wrong).length === 0;
  const wanted = sound ? resized(backend.resources, each, members - now) : backend.resources;
  const grown = { ...NOTHING };
  for (const amount of AMOUNTS) {
    grown[amount] = Math.max(0, wanted[amount] - backend.resources[amount]);
  }
  const room = roomFor(me, backend.platform, backend.resources);
  const most = mostMembers(room, each, resized(backend.resources, each, -now));
  const said = verdict(room, wanted, most, offer.member, trans, grown);
  const changed =
    grows !== before.grows || JSON.stringify(chosen[name]) !== JSON.stringify(before.values[name]);
  const count = (n: number) => `${n} ${plural(offer.member, n)}`;
  const text = `${count(now)} → ${sound ? count(members) : '–'}`;
  return {
    wrong,
    patch: sound && changed && said.fits ? { options: chosen } : null,
    changed,
    shrinks: sound && members < now,
    most,
    sum: [
      { name: trans.__('Size'), text: grows ? trans.__('up to %1', text) : text },
      { name: trans.__('Together'), text: sound ? together(wanted, trans) : '–' }
    ],
    quota: shares(room, wanted),
    verdict: said
  };
}
