/** What the Scale dialog asks and shows where another size is another start. */
import { RelaunchSteps } from '../components/Relaunch';
import { Trouble } from '../components/Trouble';
import { plural } from '../kinds';
import type { OfferedKind } from '../model';
import type { Progress } from '../relaunch/progress';
import type { Attached } from '../relaunch/relaunches';
import type { Trans } from '../words';

/** What is chosen besides the size. */
export interface Carrying {
  /** The kernel whose data is carried over; '' is none. */
  kernel: string;
  /** Whether what is lost may be lost. */
  accepted: boolean;
  /** Whether to save nothing, though a notebook could. */
  discard: boolean;
}

export const NOTHING_CHOSEN: Carrying = { kernel: '', accepted: false, discard: false };

/** The notebook whose data is carried over; null when none can. */
export function carrier(attached: readonly Attached[], { kernel }: Carrying): Attached | null {
  return attached.find(one => one.kernel === kernel) ?? attached[0] ?? null;
}

/** Whether somebody has to agree to a loss first. */
export function loses(attached: readonly Attached[], { discard }: Carrying): boolean {
  return discard || attached.length !== 1;
}

interface FieldsProps {
  id: string;
  offer: OfferedKind;
  attached: readonly Attached[];
  carrying: Carrying;
  trans: Trans;
  onCarrying: (carrying: Carrying) => void;
}

/** How it is changed, and what becomes of what it has in memory. */
export function RelaunchFields(props: FieldsProps) {
  const { id, offer, attached, carrying, trans, onCarrying } = props;
  const chosen = carrier(attached, carrying);
  const lossy = loses(attached, carrying);
  return (
    <>
      <p>
        {trans.__(
          'The number of %1 is fixed while it runs: for another one it starts again.',
          plural(offer.member, 2)
        )}{' '}
        {chosen &&
          !carrying.discard &&
          trans.__(
            'What %1 has in it is saved to files and checked first; if that fails, nothing is ' +
              'stopped. Afterwards it is loaded again.',
            chosen.path
          )}
      </p>
      {attached.length > 1 && <Choose {...props} chosen={chosen} />}
      {chosen && (
        <label className="alongside-Confirm">
          <input
            type="checkbox"
            checked={carrying.discard}
            onChange={({ target }) =>
              onCarrying({ ...carrying, discard: target.checked, accepted: false })
            }
          />
          {trans.__('Start empty: save nothing')}
        </label>
      )}
      {lossy && (
        <Trouble
          level="warning"
          detail={lossText(attached, carrying, trans)}
          remedy={chosen ? '' : trans.__('To keep it, attach the notebook that uses it first.')}
        >
          <label className="alongside-Confirm" htmlFor={`${id}-accepted`}>
            <input
              id={`${id}-accepted`}
              type="checkbox"
              checked={carrying.accepted}
              onChange={({ target }) => onCarrying({ ...carrying, accepted: target.checked })}
            />
            {trans.__('That may be lost.')}
          </label>
        </Trouble>
      )}
    </>
  );
}

function lossText(attached: readonly Attached[], carrying: Carrying, trans: Trans): string {
  const chosen = carrier(attached, carrying);
  if (!chosen) {
    return trans.__('No notebook is attached here, so what it has in memory is lost.');
  }
  if (carrying.discard) {
    return trans.__('All that it has in memory is lost.');
  }
  const others = attached.filter(one => one !== chosen).map(({ path }) => path);
  return trans.__('What %1 has in it is lost: only one can be carried over.', others.join(', '));
}

function Choose({ id, attached, chosen, carrying, trans, onCarrying }: ChooseProps) {
  return (
    <fieldset className="alongside-Carry">
      <legend>{trans.__('Carry over what this notebook has in it')}</legend>
      {attached.map(({ kernel, path }) => (
        <label key={kernel}>
          <input
            type="radio"
            name={`${id}-carry`}
            checked={kernel === chosen?.kernel}
            onChange={() => onCarrying({ ...carrying, kernel, accepted: false })}
          />{' '}
          {path}
        </label>
      ))}
    </fieldset>
  );
}

interface ChooseProps extends FieldsProps {
  chosen: Attached | null;
}

/** How far it is; in place of the inputs. */
export function RelaunchStory({ progress, trans }: { progress: Progress; trans: Trans }) {
  return (
    <section className="alongside-Relaunch-story" aria-label={trans.__('How far it is')}>
      <RelaunchSteps progress={progress} trans={trans} />
    </section>
  );
}
