/** A number of members that can be made one larger or smaller at once. */
import { useEffect, useRef, useState } from 'react';

import type { Trans } from '../words';
import { Button } from './Button';

interface StepperProps {
  name: string;
  /** The number that is aimed at now. */
  value: number;
  least: number;
  onChange: (value: number) => void;
  reason?: string;
  trans: Trans;
}

/** Milliseconds after the last press: several presses are one change. */
const SETTLED = 400;

export function Stepper({ name, value, least, onChange, reason, trans }: StepperProps) {
  const [wish, setWish] = useState<number | null>(null);
  const timer = useRef(0);
  const shown = wish ?? value;
  useEffect(() => () => window.clearTimeout(timer.current), []);
  useEffect(() => {
    if (wish === value) {
      setWish(null); // it has come true
    }
  }, [wish, value]);
  const step = (by: number) => {
    const next = Math.max(least, shown + by);
    setWish(next);
    window.clearTimeout(timer.current);
    timer.current = window.setTimeout(() => {
      if (next !== value) {
        onChange(next);
      }
      // from here on the backend's own number counts, also when it was refused
      setWish(null);
    }, SETTLED);
  };
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset can't be laid out in a row everywhere
    <span className="alongside-Stepper" role="group" aria-label={name}>
      <span aria-hidden="true">{name}</span>
      <Button
        onPress={() => step(-1)}
        label={trans.__('Fewer')}
        reason={reason || (shown <= least ? trans.__('This is the least.') : '')}
      >
        −
      </Button>
      <output>{shown}</output>
      <Button onPress={() => step(1)} label={trans.__('More')} reason={reason}>
        +
      </Button>
    </span>
  );
}
