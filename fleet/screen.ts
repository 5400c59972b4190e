/** Where a run is seen: as one table that is drawn again and again on a terminal, as plain lines elsewhere. */
import { cursorTo, clearScreenDown, emitKeypressEvents, type Key, moveCursor } from "node:readline";
import type { ReadStream, WriteStream } from "node:tty";
import type { Screen } from "./run.ts";
import { liveLines, type View } from "./view.ts";

/** A screen that is to be closed at the end. */
export interface ClosableScreen extends Screen {
  close(): void;
}

/** Lines, each said once. There is nobody to answer. */
export class PlainScreen implements ClosableScreen {
  readonly #print: (text: string) => void;
  readonly #answer: boolean;

  /**
   * @param print - takes a text of whole lines
   * @param answer - the answer to every question
   */
  constructor(print: (text: string) => void, answer: boolean) {
    this.#print = print;
    this.#answer = answer;
  }

  say(text: string): void {
    this.#print(text);
  }

  show(): void {
    // What has happened is said.
  }

  ask(question: string): Promise<boolean> {
    const how = this.#answer
      ? "yes, by --yes"
      : "no: there is no terminal to answer at; --yes answers with yes";
    this.#print(`${question} ${how}`);
    return Promise.resolve(this.#answer);
  }

  close(): void {
    // Nothing was opened.
  }
}

/** How often the time goes on, in milliseconds. */
const beatMs = 1000;

/**
 * A table below the lines that stay.
 *
 * The terminal is in raw mode meanwhile: Ctrl-C comes as a key to this process alone, and is no signal to the Pulumi
 * processes under it, which would cancel their updates.
 */
export class TerminalScreen implements ClosableScreen {
  readonly #input: ReadStream;
  readonly #output: WriteStream;
  readonly #answer: boolean | undefined;
  readonly #beat: NodeJS.Timeout;
  readonly #onKey: (text: string | undefined, key: Key) => void;
  #view: View | undefined;
  #question = "";
  #answered: ((isYes: boolean) => void) | undefined;
  /** How many lines are below those that stay. */
  #drawn = 0;

  /**
   * @param answer - the answer to every question; undefined to ask
   * @param onInterrupt - called for each Ctrl-C
   */
  constructor(
    input: ReadStream,
    output: WriteStream,
    { answer, onInterrupt }: { readonly answer: boolean | undefined; readonly onInterrupt: () => void },
  ) {
    this.#input = input;
    this.#output = output;
    this.#answer = answer;
    this.#onKey = (text, { ctrl, name }) => {
      if (ctrl === true && name === "c") onInterrupt();
      else if (text === "y" || text === "n") this.#settle(text === "y");
    };
    emitKeypressEvents(input);
    input.setRawMode(true).resume().on("keypress", this.#onKey);
    this.#beat = setInterval(() => {
      this.#draw();
    }, beatMs);
  }

  say(text: string): void {
    this.#erase();
    this.#output.write(`${text}\n`);
    this.#draw();
  }

  show(view: View): void {
    this.#view = view;
    this.#draw();
  }

  async ask(question: string): Promise<boolean> {
    if (this.#answer !== undefined) return this.#answer;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    this.#question = question;
    this.#answered = resolve;
    this.#draw();
    return await promise;
  }

  close(): void {
    clearInterval(this.#beat);
    this.#erase();
    this.#input.off("keypress", this.#onKey).setRawMode(false).pause();
  }

  #settle(isYes: boolean): void {
    const answered = this.#answered;
    if (answered === undefined) return;
    this.#answered = undefined;
    this.say(`${this.#question} ${isYes ? "yes" : "no"}`);
    answered(isYes);
  }

  #draw(): void {
    this.#erase();
    // A terminal that does not know its size says 0.
    const size = { columns: this.#output.columns || 80, rows: this.#output.rows || 24 };
    const lines = this.#view === undefined ? [] : liveLines(this.#view, Date.now(), size);
    const all = this.#answered === undefined ? lines : [...lines, this.#question];
    this.#output.write(all.map((line) => `${line}\n`).join(""));
    this.#drawn = all.length;
  }

  #erase(): void {
    if (this.#drawn === 0) return;
    moveCursor(this.#output, 0, -this.#drawn);
    cursorTo(this.#output, 0);
    clearScreenDown(this.#output);
    this.#drawn = 0;
  }
}
