/** An amount of a whole: how much of what may be had is used. */

interface MeterProps {
  name: string;
  /** As people read it: "18 / 32". */
  text: string;
  used: number;
  whole: number;
  title?: string | undefined;
}

export function Meter({ name, text, used, whole, title }: MeterProps) {
  const share = whole > 0 ? Math.min(1, used / whole) : 0;
  return (
    <div className="alongside-Meter" title={title}>
      <span className="alongside-Meter-name">{name}</span>
      {/* biome-ignore lint/a11y/useSemanticElements: <meter> can't be given the theme's colours */}
      <div
        className={`alongside-Meter-bar${share >= 1 ? ' alongside-mod-full' : ''}`}
        role="meter"
        aria-label={name}
        aria-valuemin={0}
        aria-valuemax={whole}
        aria-valuenow={Math.min(used, whole)}
        aria-valuetext={text}
      >
        <div style={{ width: `${share * 100}%` }} />
      </div>
      <span className="alongside-Meter-text">{text}</span>
    </div>
  );
}
