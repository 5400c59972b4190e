import { after, before } from "node:test";
import { down, type Lab, up, type UpOptions } from "../../lab/index.ts";
import { chooseEngine, type Engine } from "../engine/index.ts";
import { Scenario } from "./scenario.ts";

/** A lab for the tests of one suite. */
export interface SuiteLab {
  /** The lab, while the tests run. */
  readonly lab: Lab;
  /** Opens a new stack on it; it is disposed of with the lab. */
  open(config?: Record<string, unknown>): Promise<Scenario>;
}

/**
 * Brings a lab up before a suite's tests, and ends it and everything on it afterwards, also when they fail. To be called
 * before the suite's own hooks.
 */
export function useLab(options: UpOptions & { name: string }): SuiteLab {
  const scenarios: Scenario[] = [];
  let found: { lab: Lab; engine: Engine } | undefined;

  before(async () => {
    const engine = await chooseEngine();
    console.log(engine.description);
    found = { engine, lab: await up(options) };
  });
  after(async () => {
    await Promise.all(scenarios.map((scenario) => scenario.dispose()));
    await down(options.name);
  });

  const running = () => {
    if (found === undefined) {
      throw new Error("the lab comes up before the tests, not before the suite");
    }
    return found;
  };
  return {
    get lab() {
      return running().lab;
    },
    async open(config = {}) {
      const scenario = await Scenario.open(running().engine, running().lab, config);
      scenarios.push(scenario);
      return scenario;
    },
  };
}
