/** How an amount went over the last minutes, as a line without axes. */
import { memo } from 'react';

interface SparklineProps {
  /** Times in milliseconds and amounts, oldest first. */
  points: readonly (readonly [time: number, amount: number])[];
  /** The amount at the top of the picture; what is above it is cut off. */
  whole: number;
  /** What the picture says, for those who don't see it. */
  label: string;
}

const WIDTH = 120;
const HEIGHT = 20;

/** The line's corners in the picture's own units; a single amount is a level line. */
function corners({ points: known, whole }: Pick<SparklineProps, 'points' | 'whole'>): string {
  const [only] = known;
  const points = known.length === 1 && only ? [only, [only[0] + 1, only[1]] as const] : known;
  const first = points[0]?.[0] ?? 0;
  const span = Math.max(1, (points.at(-1)?.[0] ?? 0) - first);
  return points
    .map(([time, amount]) => {
      const x = ((time - first) / span) * WIDTH;
      const y = HEIGHT - Math.min(1, whole > 0 ? amount / whole : 0) * (HEIGHT - 2) - 1;
      return `${x.toFixed(1)},${y.toFixed(1)}`;
    })
    .join(' ');
}

/** Keeps its place when there is nothing to draw yet, so that nothing below it moves. */
export const Sparkline = memo(function Sparkline(props: SparklineProps) {
  return (
    <svg
      className="alongside-Sparkline"
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={props.label}
    >
      {props.points.length > 0 && (
        <polyline points={corners(props)} vectorEffect="non-scaling-stroke" />
      )}
    </svg>
  );
});
