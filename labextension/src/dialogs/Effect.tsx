/** What a choice comes to: the sum, the quota before and after, whether it can start. */
import { Trouble } from '../components/Trouble';
import type { Problem } from '../model';
import { formatMemory, type Trans } from '../words';
import type { Amount, Share, Verdict } from './amounts';

interface EffectProps {
  title: string;
  /** Lines above the quota; the last is the sum. */
  sum: { name: string; text: string }[];
  /** When it ends, and the like. */
  note?: string;
  /** What to think of. */
  advice?: string;
  quota: Share[];
  verdict: Verdict;
  /** What the service says against it. */
  problem: Problem | null;
  /** Of the element with the verdict. */
  id: string;
  /** What members are called, of all kinds. */
  members: string;
  trans: Trans;
}

export function Effect(props: EffectProps) {
  const { title, sum, note, advice, quota, verdict, problem, id, members, trans } = props;
  return (
    <aside className="alongside-Effect" aria-label={title}>
      <h2>{title}</h2>
      <dl aria-live="polite">
        {sum.map(({ name, text }) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{text}</dd>
          </div>
        ))}
      </dl>
      <p className="alongside-Advice" aria-live="polite">
        {advice}
      </p>
      {note && <p className="alongside-Hint">{note}</p>}
      {quota.map(share => (
        <Quota key={share.amount} share={share} members={members} trans={trans} />
      ))}
      <div id={id} className="alongside-Verdict" role="status">
        <Said verdict={verdict} problem={problem} />
      </div>
    </aside>
  );
}

function Said({ verdict, problem }: Pick<EffectProps, 'verdict' | 'problem'>) {
  if (problem) {
    return <Trouble detail={problem.detail} remedy={problem.remedy} />;
  }
  return verdict.fits ? (
    <p className="alongside-Fits">{`✓ ${verdict.sentence}`}</p>
  ) : (
    <Trouble detail={verdict.sentence} remedy={verdict.remedy} level="warning" />
  );
}

function Quota({
  share,
  members,
  trans
}: Pick<EffectProps, 'members' | 'trans'> & { share: Share }) {
  const { amount, used, asked, limit, over } = share;
  const part = (value: number) => `${limit > 0 ? Math.min(100, (100 * value) / limit) : 100}%`;
  const name = nameOf(amount, members, trans);
  const text = trans.__(
    '%1 used + %2 of %3',
    shown(amount, used),
    shown(amount, asked),
    shown(amount, limit)
  );
  return (
    <div className={`alongside-Effect-quota${over ? ' alongside-mod-over' : ''}`}>
      <span>{name}</span>
      <span>{text}</span>
      {/* biome-ignore lint/a11y/useSemanticElements: a <meter> can't show two parts */}
      <div
        role="meter"
        aria-label={trans.__('Quota: %1', name)}
        aria-valuemin={0}
        aria-valuemax={limit}
        aria-valuenow={Math.min(limit, used + asked)}
        aria-valuetext={text}
      >
        <i style={{ width: part(used) }} />
        <u style={{ width: part(asked) }} />
      </div>
    </div>
  );
}

function shown(amount: Amount, value: number): string {
  return amount === 'memory' && value > 0 ? formatMemory(value) : `${value}`;
}

function nameOf(amount: Amount, members: string, trans: Trans): string {
  switch (amount) {
    case 'cores':
      return trans.__('Cores');
    case 'memory':
      return trans.__('Memory');
    case 'gpus':
      return trans.__('GPUs');
    case 'workers':
      return members;
    case 'backends':
      return trans.__('Backends');
  }
}
