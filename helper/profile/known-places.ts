import { flatString } from '../flat-string.ts';

/** Ids of the frames at a place, outermost first: inlined frames are several. */
type FrameIds = readonly number[];

/** What is known of the places of one namespace or process, by perf's line; one that is returned to is another. */
export interface Places {
  get(line: string, isReturn: boolean): FrameIds | undefined;
  set(line: string, isReturn: boolean, ids: FrameIds): void;
}

/** Places by what they belong to. All are forgotten when there are too many: what still runs is named again. */
export class KnownPlaces<Owner> {
  readonly #most: number;
  readonly #byOwner = new Map<Owner, Places>();
  #count = 0;

  constructor(most: number) {
    this.#most = most;
  }

  of(owner: Owner): Places {
    let places = this.#byOwner.get(owner);
    if (places === undefined) this.#byOwner.set(owner, (places = this.#places()));
    return places;
  }

  #places(): Places {
    const exact = new Map<string, FrameIds>();
    const returns = new Map<string, FrameIds>();
    return {
      get: (line, isReturn) => (isReturn ? returns : exact).get(line),
      set: (line, isReturn, ids) => {
        if (this.#count >= this.#most) {
          this.#byOwner.clear();
          this.#count = 0;
        }
        (isReturn ? returns : exact).set(flatString(line), ids);
        this.#count++;
      },
    };
  }
}
