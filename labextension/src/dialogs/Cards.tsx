/** One choice among several, each with a title and a line or two. */

export interface Card {
  value: string;
  title: string;
  lines: string[];
  /** Why it can't be chosen; '' when it can. */
  why?: string;
}

interface CardsProps {
  id: string;
  legend: string;
  cards: Card[];
  chosen: string;
  onChoose: (value: string) => void;
}

/** Nothing where there is nothing to choose. */
export function Cards({ id, legend, cards, chosen, onChoose }: CardsProps) {
  if (cards.length < 2) {
    return null;
  }
  return (
    <fieldset className="alongside-Choices">
      <legend>{legend}</legend>
      <div>
        {cards.map(({ value, title, lines, why }, place) => (
          <label key={value} className="alongside-Choice">
            <input
              type="radio"
              name={id}
              checked={value === chosen}
              disabled={Boolean(why)}
              aria-labelledby={`${id}-${place}`}
              aria-describedby={`${id}-${place}-lines`}
              onChange={() => onChoose(value)}
            />
            <strong id={`${id}-${place}`}>{title}</strong>
            <span id={`${id}-${place}-lines`}>
              <small>{lines.filter(Boolean).join(' ')}</small>
              {why && <small className="alongside-Choice-why">{why}</small>}
            </span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}

interface SegmentsProps {
  id: string;
  label: string;
  hint?: string;
  choices: [value: string, text: string][];
  chosen: string;
  onChoose: (value: string) => void;
}

/** One of a few words, side by side. */
export function Segments({ id, label, hint, choices, chosen, onChoose }: SegmentsProps) {
  return (
    <div className="alongside-Row" role="radiogroup" aria-labelledby={id}>
      <span className="alongside-Label" id={id}>
        {label}
      </span>
      <div className="alongside-Row-input">
        <div className="alongside-Segments">
          {choices.map(([value, text]) => (
            <label key={value}>
              <input
                type="radio"
                name={id}
                checked={value === chosen}
                onChange={() => onChoose(value)}
              />
              <span>{text}</span>
            </label>
          ))}
        </div>
        {hint && <p className="alongside-Hint">{hint}</p>}
      </div>
    </div>
  );
}
