/** A configuration that this project judges differently on purpose. */
interface Exception {
  /** Whether a configuration's text is one of them. */
  readonly test: (configuration: string) => boolean;
  readonly reason: string;
}

/** Every known difference between this project's validation and Kubernetes' own. */
export const exceptions: readonly Exception[] = [
  {
    test: (configuration) =>
      /(?:^|[\s[{,])!(?!!(?:str|int|float|bool|null|map|seq)\s)\S*/m.test(configuration),
    reason:
      "YAML tags beyond str, int, float, bool, null, map and seq: Go reads `!x a` as text and `!!binary` as its bytes; here they are refused, as they have no use in a configuration.",
  },
];
