/** Each kind of finding: an object that has it is told so, in its words, and one that nearly has it is not. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import {
  diagnose,
  diagnoseAll,
  diagnoseMissing,
  type ServiceDiagnosis,
} from "../../components/service/diagnose.ts";
import { type KindName, kinds } from "../../components/service/kinds.ts";
import { clusterFaults, faults } from "./faults/index.ts";
import { factsOf, shop, type Shop, town, type Town } from "./world.ts";

/** Kinds that a Service alone can have, beside those of its cluster, and of names that are not there. */
const elsewhere: readonly KindName[] = ["no-namespace", "no-service", "node-port-addresses"];

function look(change: (shop: Shop) => void, around: Town = town()): ServiceDiagnosis {
  const one = shop();
  change(one);
  const diagnosis = diagnose(factsOf([one], around), one.service);
  assert.ok(diagnosis);
  return diagnosis;
}

const kindsIn = ({ findings }: ServiceDiagnosis) => findings.map(({ kind }) => kind);

suite("each kind of finding", () => {
  test("has its objects here, and there are more than 40", () => {
    const tried = [...Object.keys(faults), ...Object.keys(clusterFaults), ...elsewhere].sort();
    assert.deepEqual(tried, Object.keys(kinds).sort());
    assert.ok(tried.length >= 40, String(tried.length));
  });

  test("a Service that answers has none", () => {
    const healthy = look(() => undefined);
    assert.deepEqual(kindsIn(healthy), []);
    assert.equal(healthy.verdict.kind, "answers");
    assert.deepEqual(healthy.endpoints, { ready: 3, nodes: 3 });
    assert.ok(healthy.ok);
  });

  for (const [kind, fault] of Object.entries(faults) as [KindName, (typeof faults)[KindName] & object][]) {
    test(kind, () => {
      const diagnosis = look(fault.has);
      const { severity } = kinds[kind];
      assert.deepEqual(kindsIn(diagnosis).toSorted(), [kind, ...(fault.with ?? [])].sort());
      const found = diagnosis.findings.find((one) => one.kind === kind);
      assert.match(found?.words ?? "", fault.says);
      assert.equal(found?.severity, severity);
      assert.equal(diagnosis.ok, severity === "may" || severity === "remark", "whether it answers");
      assert.ok(!kindsIn(look(fault.near)).includes(kind), "what nearly has it");
    });
  }

  for (const [kind, { has, near, says }] of Object.entries(clusterFaults) as [
    KindName,
    (typeof clusterFaults)[KindName] & object,
  ][]) {
    test(`${kind}, of a cluster`, () => {
      const [sick, nearly] = [town(), town()];
      has(sick);
      near(nearly);
      const diagnosis = look(() => undefined, sick);
      assert.deepEqual(kindsIn(diagnosis), [kind]);
      assert.match(diagnosis.findings[0]?.words ?? "", says);
      assert.deepEqual(kindsIn(look(() => undefined, nearly)), []);
      // Of all Services it is said once.
      const all = diagnoseAll(factsOf([shop(), shop({ name: "other" })], sick));
      assert.deepEqual([all.cluster.map((one) => one.kind), all.diagnoses], [[kind], []]);
    });
  }

  test("a network plugin with ranges of its own accuses nobody, though one pod is in its node's by chance", () => {
    const diagnosis = look(({ pods, slices }) => {
      for (const [index, { addresses }] of pods.slice(1).entries()) addresses[0] = `192.168.0.${index}`;
      for (const [index, endpoint] of slices[0]?.endpoints.slice(1).entries() ?? []) {
        endpoint.address = `192.168.0.${index}`;
      }
    });
    assert.deepEqual(kindsIn(diagnosis), []);
  });

  test("node-port-addresses", () => {
    const open = (one: Shop) => {
      one.service.type = "NodePort";
      for (const port of one.service.ports) port.nodePort = 30_080;
    };
    const at = (...nodePortAddresses: string[]) => {
      const around = town();
      around.proxies = [{ name: "kube-proxy", desired: 5, available: 5, nodePortAddresses }];
      return around;
    };
    const diagnosis = look(open, at("192.168.0.0/16"));
    assert.deepEqual(kindsIn(diagnosis), ["node-port-addresses"]);
    assert.match(
      diagnosis.findings[0]?.words ?? "",
      /has 192\.168\.0\.0\/16, and 6 of 6 nodes tell no such address/,
    );
    assert.deepEqual(kindsIn(look(() => undefined, at("192.168.0.0/16"))), []);
    for (const ranges of [["198.18.0.0/15"], ["primary"], ["primary", "192.168.0.0/16"], ["fd00::/8"], []]) {
      assert.deepEqual(kindsIn(look(open, at(...ranges))), [], ranges.join());
    }
  });

  test("no-namespace and no-service, with the nearest name", () => {
    const looked = {
      namespace: "shop",
      name: "web",
      namespaces: ["default", "shop"],
      services: ["wep", "db"],
    };
    const slip = diagnoseMissing(looked);
    assert.deepEqual(kindsIn(slip), ["no-service"]);
    const [{ words, next } = {}] = slip.findings;
    assert.equal(words, "Namespace shop has no Service web; did you mean wep?");
    assert.equal(next?.command, "npm run --silent doctor -- --service shop/wep");
    const none = diagnoseMissing({ ...looked, services: ["checkout", "basket"] });
    assert.equal(none.findings[0]?.words, "Namespace shop has no Service web; it has basket, checkout.");
    const gone = diagnoseMissing({ ...looked, namespace: "shopp" });
    assert.deepEqual(kindsIn(gone), ["no-namespace"]);
    assert.equal(gone.findings[0]?.words, "There is no namespace shopp; did you mean shop?");
    // Whoever may not list namespaces is told of the Service alone.
    assert.deepEqual(kindsIn(diagnoseMissing({ ...looked, namespaces: undefined })), ["no-service"]);
  });
});
