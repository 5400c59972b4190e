/** Switches between kube-proxy's modes that lose no connection: what comes before, and what comes after. */
export { clear } from "./clear.ts";
export type { SwitchOptions } from "./options.ts";
export { prepare } from "./prepare.ts";
