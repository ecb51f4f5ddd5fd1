/** The last drill of each alert, in `drills.json` of Gameday's directory: what `explain` shows. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { DrillOutcome } from './outcome.ts';

interface LedgerDocument {
  readonly version: 1;
  readonly drills: Readonly<Record<string, DrillOutcome>>;
}

export class DrillLedger {
  readonly #file: string;

  /** @param base `.gameday`, absolute */
  constructor(base: string) {
    this.#file = join(base, 'drills.json');
  }

  /** Undefined when the alert was never drilled here, or the file cannot be read: it can be written again at any time. */
  last(alert: string): DrillOutcome | undefined {
    return this.#read().drills[alert];
  }

  /** Each replaces the one before of the same alert. */
  note(outcomes: readonly DrillOutcome[]): void {
    const drills = { ...this.#read().drills, ...Object.fromEntries(outcomes.map((each) => [each.alert, each])) };
    mkdirSync(dirname(this.#file), { recursive: true });
    // By rename: whoever reads it, at any moment, sees a whole document.
    writeFileSync(`${this.#file}.tmp`, `${JSON.stringify({ version: 1, drills } satisfies LedgerDocument, null, 2)}\n`);
    renameSync(`${this.#file}.tmp`, this.#file);
  }

  #read(): LedgerDocument {
    try {
      const document = JSON.parse(readFileSync(this.#file, 'utf8')) as LedgerDocument | null;
      if (document?.version === 1) return document;
    } catch {
      // None yet, or a damaged one.
    }
    return { version: 1, drills: {} };
  }
}
