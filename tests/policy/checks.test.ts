import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { restartAnnotation as ofTheComponent } from "../../components/restart/restart.ts";
import {
  imageProblems,
  isOfKubeProxy,
  optionProblems,
  Pinned,
  providerProblems,
  type Resource,
  restartAnnotation,
  tokenProblems,
  unproved,
} from "../../policy/checks.ts";
import { daemonSetsOf, registered, type Seen } from "./program.ts";

const digest = `@sha256:${"0123456789abcdef".repeat(4)}`;

const withImages = (...images: string[]) => ({
  spec: {
    template: {
      spec: {
        containers: images.slice(0, 1).map((image) => ({ image })),
        initContainers: images.slice(1).map((image) => ({ image })),
      },
    },
  },
});

/** As a stack's policy sees them. */
const asResources = (all: readonly Seen[]): Resource[] =>
  all.map(({ inputs: props, dependencies, ...rest }) => ({
    ...rest,
    props,
    dependencies: dependencies.map((urn) => ({ urn })),
  }));

suite("what policies check", () => {
  test("finds nothing in what the component registers", async () => {
    const all = await registered();
    const sets = daemonSetsOf(all);
    assert.equal(sets.length, 2);
    for (const { inputs, providerInputs, ...options } of sets) {
      assert.deepEqual(
        [
          optionProblems({ protect: false, ...options }),
          tokenProblems(inputs),
          providerProblems(providerInputs),
          imageProblems(inputs, Pinned.tag),
        ],
        [[], [], [], []],
      );
    }
    assert.deepEqual(unproved(asResources(all)), []);
  });

  test("knows the DaemonSets of the component, also of one within another, and no others", async () => {
    const all = await registered();
    assert.deepEqual(
      all.filter(({ urn }) => isOfKubeProxy(urn)).map(({ name }) => name),
      ["kube-proxy-canary-daemon-set", "kube-proxy-rest-daemon-set"],
    );
    const within =
      "urn:pulumi:dev::clusters::my:index:Cluster$kube-proxy:index:KubeProxy$kubernetes:apps/v1:DaemonSet::d";
    assert.ok(isOfKubeProxy(within));
    assert.ok(!isOfKubeProxy(within.replace("KubeProxy$", "KubeProxyExporter$")));
  });

  test("finds each option that is in a restart's way", () => {
    const well = { protect: false, deleteBeforeReplace: true, ignoreChanges: ["spec"] };
    assert.deepEqual(optionProblems(well), []);
    const breaks: [RegExp, Partial<typeof well>][] = [
      [/^It has no deleteBeforeReplace: .* Take out/s, { deleteBeforeReplace: false }],
      [
        /^ignoreChanges has metadata\.annotations: .* Take it out/,
        { ignoreChanges: ["metadata.annotations"] },
      ],
      [
        /^ignoreChanges has metadata\.annotations\["kube-proxy\/restart"\]/,
        { ignoreChanges: ["metadata.labels", 'metadata.annotations["kube-proxy/restart"]'] },
      ],
      [/^It is protected: .* Take protect from it/, { protect: true }],
    ];
    for (const [expected, change] of breaks) {
      const problems = optionProblems({ ...well, ...change });
      assert.equal(problems.length, 1, JSON.stringify(change));
      assert.match(problems[0] ?? "", expected);
    }
    assert.equal(
      optionProblems({ protect: false, ignoreChanges: [] }).length,
      1,
      "an option that is not set",
    );
  });

  test("finds a DaemonSet without the annotation that makes a restart", () => {
    assert.equal(restartAnnotation, ofTheComponent);
    assert.deepEqual(tokenProblems({ metadata: { annotations: { [restartAnnotation]: "" } } }), []);
    for (const bare of [{}, { metadata: {} }, { metadata: { annotations: { other: "1" } } }]) {
      assert.match(tokenProblems(bare).join(), /^It has no annotation kube-proxy\/restart/);
    }
  });

  test("finds a provider that writes over what is there, however the value is given", async () => {
    const [set] = daemonSetsOf(await registered({}, true));
    assert.ok(set);
    assert.match(providerProblems(set.providerInputs).join(), /upsertExistingObjects.*Take that out/);
    assert.equal(providerProblems({ upsertExistingObjects: true }).length, 1);
    for (const value of ["false", false, undefined]) {
      assert.deepEqual(providerProblems({ upsertExistingObjects: value }), []);
    }
  });

  test("accepts the images that are pinned as asked", () => {
    const images = {
      bare: "localhost:5000/kube-proxy",
      latest: "registry.example.com/kube-proxy:latest",
      tag: "localhost:5000/kube-proxy:v1.37.2",
      digest: `localhost:5000/kube-proxy${digest}`,
      both: `registry.example.com/kube-proxy:v1.37.2${digest}`,
      short: "registry.example.com/kube-proxy@sha256:0123",
    };
    const refused = (pinned: Pinned) =>
      Object.entries(images)
        .filter(([, image]) => imageProblems(withImages(image), pinned).length > 0)
        .map(([name]) => name);
    assert.deepEqual(refused(Pinned.off), []);
    assert.deepEqual(refused(Pinned.tag), ["bare", "latest", "short"]);
    assert.deepEqual(refused(Pinned.digest), ["bare", "latest", "tag", "short"]);
  });

  test("looks at the images of init containers, and names each once", () => {
    const problems = imageProblems(withImages("kube-proxy:v1.37.2", "kube-proxy", "kube-proxy"), Pinned.tag);
    assert.deepEqual(problems, [
      "The image kube-proxy has no tag but latest: set image to one with a version as its tag.",
    ]);
  });

  test("finds a DaemonSet that no command proves", async () => {
    const names = (resources: readonly Resource[]) => unproved(resources).map(({ name }) => name);
    const both = ["kube-proxy-canary-daemon-set", "kube-proxy-rest-daemon-set"];
    assert.deepEqual(names(asResources(await registered({ verify: false }))), both);
    const all = asResources(await registered());
    assert.deepEqual(names(all.filter(({ name }) => name !== "kube-proxy-rest-verify")), both.slice(1));
    const idle = all.map((one) => (one.name === "kube-proxy-canary-verify" ? { ...one, props: {} } : one));
    assert.deepEqual(names(idle), both.slice(0, 1));
  });
});
