/** How far a change of size is that starts a backend again. */
import { doing, type Progress, STEPS, stepTitle } from '../relaunch/progress';
import type { Trans } from '../words';
import { Trouble } from './Trouble';

interface RelaunchProps {
  progress: Progress;
  trans: Trans;
}

/** Where it is, in a line, and how much of that is done. */
export function RelaunchLine({ progress, trans }: RelaunchProps) {
  const { done, of } = progress;
  const text = doing(progress, trans);
  return (
    <div className="alongside-Relaunch">
      <p>{of > 0 ? trans.__('%1 (%2 of %3)', text, done, of) : text}</p>
      <div
        className={`alongside-Relaunch-bar${of > 0 ? '' : ' alongside-mod-unknown'}`}
        role="progressbar"
        aria-label={stepTitle(progress.step, trans)}
        {...(of > 0 && { 'aria-valuemin': 0, 'aria-valuemax': of, 'aria-valuenow': done })}
      >
        <div
          className="alongside-Relaunch-done"
          style={{ width: of > 0 ? `${(100 * done) / of}%` : '100%' }}
        />
      </div>
    </div>
  );
}

/** All that is to be done, what is done of it, and the line of what is being done or went wrong. */
export function RelaunchSteps({ progress, trans }: RelaunchProps) {
  const at = STEPS.indexOf(progress.step);
  return (
    <>
      <ol className="alongside-Relaunch-steps" aria-label={trans.__('What is done')}>
        {STEPS.filter(step => step !== 'waiting').map(step => {
          const place = STEPS.indexOf(step);
          const state = place < at ? 'done' : place === at ? 'now' : 'next';
          return (
            <li
              key={step}
              className={`alongside-mod-${state}`}
              aria-current={state === 'now' ? 'step' : undefined}
            >
              <span className="alongside-Relaunch-mark" aria-hidden="true">
                {MARKS[state]}
              </span>{' '}
              {stepTitle(step, trans)}
            </li>
          );
        })}
      </ol>
      <div aria-live="polite">
        {progress.end ? (
          <RelaunchEnd progress={progress} />
        ) : (
          <RelaunchLine progress={progress} trans={trans} />
        )}
      </div>
    </>
  );
}

const MARKS = { done: '✓', now: '…', next: '·' };

/** Why it failed, if it did. */
export function RelaunchEnd({ progress }: { progress: Progress }) {
  const { end, message, remedy } = progress;
  return end === 'failed' ? <Trouble detail={message} remedy={remedy} /> : null;
}
