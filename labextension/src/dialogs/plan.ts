/** What a choice in the Launch dialog comes to, before it is launched. Pure. */
import { plural } from '../kinds';
import type { Catalogue, Launch, Me, OfferedKind, Problem, Profile } from '../model';
import type { Trans } from '../words';
import {
  type Each,
  eachOf,
  membersOf,
  mostMembers,
  roomFor,
  type Share,
  shares,
  times,
  together,
  type Verdict,
  verdict
} from './amounts';
import { type Choice, freeName, offerOf, optionsOf, requestOf } from './choice';
import { type Findings, findings, placed, unusable } from './findings';
import type { Checked } from './live';
import { asked, countName, growthOf, type Schema } from './schema';

/** What is looked at besides the choice. */
export interface World {
  catalogue: Catalogue;
  me: Me | null;
  /** Names that can't be taken. */
  taken: ReadonlySet<string>;
}

/** What a choice comes to, as far as it can be told without asking. */
export interface Plan {
  profile: Profile;
  offer: OfferedKind;
  schema: Schema;
  /** The name that it gets when none is written. */
  free: string;
  /** What can't be used, by dotted path. */
  wrong: Findings;
  request: Launch;
  each: Each;
  members: number;
  /** How many members the quota leaves; null: as many as you like. */
  most: number | null;
}

export function planOf(choice: Choice, { catalogue, me, taken }: World, trans: Trans): Plan {
  const profile = catalogue.profiles.find(({ name }) => name === choice.profile);
  const offer = offerOf(catalogue, choice);
  if (!profile || !offer) {
    throw new Error('what is chosen is always on offer');
  }
  const schema = asked(offer, choice.grows, me);
  const free = freeName(choice.kind, taken);
  const name = choice.name.trim() || free;
  const wrong = findings(schema, optionsOf(offer, choice), trans);
  if (taken.has(name)) {
    wrong.name = trans.__('There is one of this name already. Choose another name.');
  }
  const each = eachOf(choice.options);
  const request = requestOf(offer, choice, name);
  const members = membersOf(offer, choice.options, choice.grows);
  const most = mostMembers(roomFor(me, profile.platform), each);
  return { profile, offer, schema, free, wrong, request, each, members, most };
}

/** What a plan comes to, with what the service has said to it. */
export interface Outcome {
  sum: { name: string; text: string }[];
  /** What the kind says of the size, mostly nothing. */
  advice: string;
  quota: Share[];
  verdict: Verdict;
  /** What can't be used, the service's findings included. */
  wrong: Findings;
  /** What the service says that has no place at an input. */
  problem: Problem | null;
}

export function outcomeOf(
  plan: Plan,
  choice: Choice,
  me: Me | null,
  said: Checked | null,
  trans: Trans
): Outcome {
  const { offer, each, members } = plan;
  const room = roomFor(me, plan.profile.platform);
  const count = Object.keys(plan.wrong).length;
  const wanted = count === 0 ? (said?.chosen?.resources ?? times(each, members)) : times(each, 0);
  const { at, rest } = placed(said?.problem ?? null, path => hasInput(path, plan.schema), trans);
  const size = `${members} ${plural(offer.member, members)} × (${together(each, trans)})`;
  const whole = count > 0 ? '–' : together(wanted, trans);
  return {
    sum: [
      {
        name: offer.title,
        text: count > 0 ? '–' : choice.grows ? trans.__('up to %1', size) : size
      },
      { name: trans.__('Together'), text: whole }
    ],
    advice: (count === 0 && said?.chosen?.advice) || '',
    quota: shares(room, count > 0 ? { ...wanted, backends: 0 } : wanted),
    verdict: offer.unavailable
      ? { fits: false, sentence: offer.unavailable.detail, remedy: offer.unavailable.remedy }
      : count > 0
        ? {
            fits: false,
            sentence: unusable(count, trans),
            remedy: ''
          }
        : verdict(room, wanted, plan.most, offer.member, trans),
    wrong: { ...at, ...plan.wrong },
    problem: count > 0 || offer.unavailable ? null : rest
  };
}

/** The same for what starts by the clock: the quota is that of then, and so is whether it fits. */
export function laterOutcome(outcome: Outcome, trans: Trans): Outcome {
  const sound = Object.keys(outcome.wrong).length === 0;
  const sentence = trans.__('It is launched within what your quota leaves then.');
  return {
    ...outcome,
    quota: [],
    verdict: sound ? { fits: true, sentence, remedy: '' } : outcome.verdict
  };
}

/** What to say of the number of members, where the quota leaves fewer than the profile allows. */
export function quotaBounds(plan: Plan, choice: Choice, trans: Trans): Record<string, string> {
  const growth = growthOf(plan.offer)?.name ?? '';
  const path = choice.grows ? `${growth}.maximum` : countName(plan.offer);
  const option = path
    .split('.')
    .reduce<Schema | undefined>((found, part) => found?.properties?.[part], plan.schema);
  const less = plan.most !== null && plan.most < (option?.maximum ?? Number.POSITIVE_INFINITY);
  return less && Object.keys(plan.wrong).length === 0
    ? { [path]: trans.__('At most %1 with what is left of your quota.', plan.most ?? 0) }
    : {};
}

const CLOCK = ['days', 'from', 'to', 'zone'];
const PLAIN = new Set(['name', 'lifetime.idle', 'lifetime.maximum', ...CLOCK]);

function hasInput(path: string, schema: Schema): boolean {
  if (PLAIN.has(path)) {
    return true;
  }
  const found = path
    .split('.')
    .reduce<Schema | undefined>((option, part) => option?.properties?.[part], schema);
  return path !== '' && found !== undefined;
}
