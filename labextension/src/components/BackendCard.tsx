/** One backend: what it is, what it does, when it ends, and what can be done with it. */
import { memo } from 'react';

import type { BackendCardProps } from './props';

export type { BackendCardProps, Mismatch } from './props';

export const BackendCard = memo(function BackendCard({ backend }: BackendCardProps) {
  return (
    <article className="alongside-Card" aria-label={backend.name}>
      {backend.name}
    </article>
  );
});
