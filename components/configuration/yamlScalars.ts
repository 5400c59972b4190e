import type { ScalarTag } from "yaml";

/** Tags of YAML 1.1 that no configuration needs, and those that `scalars` reads as Go does. */
export const isLeftOut = (tag: { tag: string }) =>
  /:(?:null|bool|int|float|timestamp|binary|set|omap|pairs)$/.test(tag.tag);

const tag = (name: string, test: RegExp, resolve: (text: string) => unknown): ScalarTag => ({
  tag: `tag:yaml.org,2002:${name}`,
  default: true,
  test,
  resolve,
});

const withoutUnderscores = (text: string) => text.replaceAll("_", "");

function integer(text: string): number | bigint {
  const [, sign = "", digits = ""] = /^([-+]?)(.*)$/.exec(withoutUnderscores(text)) ?? [];
  const size = BigInt(/^0\d/.test(digits) ? `0o${digits.slice(1)}` : digits);
  const value = sign === "-" ? -size : size;
  // Beyond 64 bits Go reads a float.
  const exact = value >= -(2n ** 63n) && value < 2n ** 64n;
  return exact && !Number.isSafeInteger(Number(value)) ? value : Number(value);
}

/**
 * What a plain scalar can be; anything else is text.
 *
 * Source: go.yaml.in/yaml/v2 `resolve.go`.
 */
export const scalars: readonly ScalarTag[] = [
  tag("null", /^(?:~|null|Null|NULL)?$/, () => null),
  tag("bool", /^(?:y|Y|yes|Yes|YES|true|True|TRUE|on|On|ON)$/, () => true),
  tag("bool", /^(?:n|N|no|No|NO|false|False|FALSE|off|Off|OFF)$/, () => false),
  tag("int", /^[-+]?(?:0_*[xX][0-9a-fA-F_]+|0_*[bB][01_]+|0_*[oO][0-7_]+|0[0-7_]*|[1-9][0-9_]*)$/, integer),
  tag("float", /^[-+]?(?:\.[0-9]+|[0-9][0-9_]*(?:\.[0-9_]*)?)(?:[eE][-+]?[0-9_]+)?$/, (text) =>
    Number(withoutUnderscores(text)),
  ),
  tag("float", /^[-+]?\.(?:inf|Inf|INF)$/, (text) => (text.startsWith("-") ? -Infinity : Infinity)),
  tag("float", /^\.(?:nan|NaN|NAN)$/, () => NaN),
];
