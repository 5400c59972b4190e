/** Options of what prepares and ends a switch between modes. */
export interface SwitchOptions {
  /** Longest wait for all nodes together, in milliseconds. */
  readonly timeoutMs: number;
  /** Takes a line for what is done. */
  readonly log: (line: string) => void;
}
