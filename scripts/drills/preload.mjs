/**
 * `node --import` of this arms the fault table of the compiled host/ with what DRILL_FAULTS says,
 * so that a whole command meets a fault or ends at one. The product itself reads no such variable.
 */
import { setFaults } from "../../dist/host/index.js";

setFaults(JSON.parse(process.env["DRILL_FAULTS"] ?? "[]"));
