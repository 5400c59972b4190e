import { isRecord } from "../input/record.ts";
import { ipFamily, splitHostPort } from "./goAddress.ts";
import { parseGoDuration } from "./goDuration.ts";
import { parseQuantity } from "./goQuantity.ts";
import { at } from "./render.ts";
import { quantityText } from "./values.ts";

const second = 1_000_000_000n;

/** Durations that kube-proxy puts in for zero, and since which minor. */
const durationDefaults: Readonly<Record<string, { readonly value: bigint; readonly since?: number }>> = {
  configSyncPeriod: { value: 900n * second },
  "iptables.minSyncPeriod": { value: second, since: 19 },
  "iptables.syncPeriod": { value: 30n * second },
  "ipvs.syncPeriod": { value: 30n * second },
  "logging.flushFrequency": { value: 5n * second },
  "nftables.minSyncPeriod": { value: second },
  "nftables.syncPeriod": { value: 30n * second },
  udpIdleTimeout: { value: second / 4n },
};

const textDefaults: Readonly<Record<string, string>> = {
  bindAddress: "0.0.0.0",
  detectLocalMode: "ClusterCIDR",
  healthzBindAddress: "0.0.0.0:10256",
  "logging.format": "text",
  metricsBindAddress: "127.0.0.1:10249",
  mode: "iptables",
};

const defaultPorts: Readonly<Record<string, number>> = {
  healthzBindAddress: 10256,
  metricsBindAddress: 10249,
};

/** Up to 1.35 an IPv4 address in IPv6 form got its port without brackets, and was refused for it. */
const bracketsMappedAddresses = 36;

/**
 * A configuration with the defaults that kube-proxy on Linux applies before it validates. What cannot be decoded counts
 * as unset.
 *
 * Source: pkg/proxy/apis/config/v1alpha1 `defaults.go`, cmd/kube-proxy/app `platformApplyDefaults`.
 */
export class Effective {
  readonly #given: object;
  readonly minor: number;

  constructor(given: object, minor: number) {
    this.#given = given;
    this.minor = minor;
  }

  /** The value as the user wrote it, or undefined. */
  given(path: string): unknown {
    return at(this.#given, path) ?? undefined;
  }

  text(path: string): string {
    const given = this.given(path);
    const text = (typeof given === "string" && given) || (textDefaults[path] ?? "");
    const port = defaultPorts[path];
    return port === undefined ? text : this.#withPort(text, port);
  }

  #withPort(text: string, port: number): string {
    const family = ipFamily(text);
    if (family === undefined || splitHostPort(text) !== undefined) {
      return text;
    }
    const brackets = family === 6 || (text.includes(":") && this.minor >= bracketsMappedAddresses);
    return `${brackets ? `[${text}]` : text}:${port}`;
  }

  nanoseconds(path: string): bigint {
    const given = this.given(path);
    const value =
      typeof given === "string"
        ? parseGoDuration(given)
        : typeof given === "bigint" || Number.isInteger(given)
          ? BigInt(given as number | bigint)
          : undefined;
    const standard = durationDefaults[path];
    const applies = standard !== undefined && this.minor >= (standard.since ?? 0);
    return value !== undefined && value !== 0n ? value : applies ? standard.value : 0n;
  }

  number(path: string): number {
    const given = this.given(path);
    return typeof given === "number" ? given : 0;
  }

  amount(path: string): bigint {
    return parseQuantity(quantityText(this.given(path)) ?? "0")?.value ?? 0n;
  }

  list(path: string): readonly unknown[] {
    const given = this.given(path);
    return Array.isArray(given) ? given : [];
  }

  mapping(path: string): Readonly<Record<string, unknown>> {
    const given = this.given(path);
    return isRecord(given) ? given : {};
  }
}
