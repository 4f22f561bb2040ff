import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import * as v from "valibot";
import { bootId } from "../host/index.ts";
import { isSameState, stateOf, type FileState } from "./file-state.ts";
import { placesSchema, type ImageFacts, type PlacesRecord } from "./image-record.ts";
import { ownDirectory, type StoreLayout } from "./layout.ts";
import { readRecord, writeRecord } from "./records.ts";

/** A file of the user's that holds a finished image, unless somebody writes it. */
export interface Place {
  readonly path: string;
  readonly facts: ImageFacts;
  /** Whether it still is the file that was published, untouched. */
  isUntouched(): boolean;
}

/** An output to remember. */
export interface NewPlace {
  readonly path: string;
  readonly facts: ImageFacts;
  /** Whether it is on the disk for good. */
  readonly lasts: boolean;
}

/** Outputs remembered of one image. */
const PLACES_MAX = 4;

/** Times of files advance in steps of a timer tick, 10 ms at most (CONFIG_HZ_100). */
const TICK_MS = 10;

/**
 * Where outputs with finished images lie. On a file system that cannot share blocks an image is
 * not written twice, to the output and to the store: the store remembers the output instead.
 */
export class PlaceStore {
  readonly #layout: StoreLayout;

  constructor(layout: StoreLayout) {
    this.#layout = layout;
  }

  /** An untouched output with the image of `key`, `preferred` if it is one. */
  find(key: string, preferred?: string): Place | undefined {
    const record = this.#recordOf(key);
    const places = (record?.places ?? []).filter(isUntouched);
    const found = places.find(({ path }) => path === preferred) ?? places[0];
    if (record === undefined || found === undefined) return undefined;
    return { path: found.path, facts: record.facts, isUntouched: () => isUntouched(found) };
  }

  /**
   * Remembers that the file at `path` (absolute, no link) holds the image of `key`; one that
   * does not last is forgotten with the host's next start.
   */
  async add(key: string, { path, facts, lasts }: NewPlace): Promise<void> {
    const state = await settledState(path);
    if (state === undefined) return;
    const former = (this.#recordOf(key)?.places ?? []).filter(
      (place) => place.path !== path && isUntouched(place),
    );
    const since = lasts ? undefined : bootId();
    const place = since === undefined ? { path, state } : { path, state, bootId: since };
    const places = [place, ...former].slice(0, PLACES_MAX);
    const record: PlacesRecord = { wick: 1, facts: copied(facts), places };
    ownDirectory(this.#layout.images);
    ownDirectory(join(this.#layout.images, key));
    await writeRecord(this.#pathOf(key), record, { lasts });
  }

  /** Whether anything is remembered of `key` that still holds. */
  has(key: string): boolean {
    return this.find(key) !== undefined;
  }

  #recordOf(key: string): PlacesRecord | undefined {
    const result = v.safeParse(placesSchema, readRecord(this.#pathOf(key)));
    return result.success ? result.output : undefined;
  }

  #pathOf(key: string): string {
    return join(this.#layout.images, key, "elsewhere.json");
  }
}

function copied(facts: ImageFacts): PlacesRecord["facts"] {
  return { ...facts, manifests: [...facts.manifests] };
}

function isUntouched(place: PlacesRecord["places"][number]): boolean {
  if (place.bootId !== undefined && place.bootId !== bootId()) return false;
  return isSameState(stateOf(place.path), place.state);
}

/** The state once the clock has gone on: what is written from now on gets another time. */
async function settledState(path: string): Promise<FileState | undefined> {
  const state = stateOf(path);
  if (state === undefined) return undefined;
  await sleep(TICK_MS);
  return isSameState(stateOf(path), state) ? state : undefined;
}
