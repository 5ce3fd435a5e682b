"""Tells, as JSON, which cases the suite has and which versions are installed. The only file here for Python 2.7: it imports the suite."""

from __future__ import print_function

import json
import platform

import autobahn
import autobahntestsuite
import twisted
from autobahntestsuite import case
from autobahntestsuite.caseset import CaseSet

cases = CaseSet(case.CaseSetname, case.CaseBasename, case.Cases, case.CaseCategories, case.CaseSubCategories)
print(json.dumps({
    "cases": sorted(cases.CasesIndices),
    "sections": case.CaseCategories,
    "versions": {
        "AutobahnTestSuite": autobahntestsuite.version,
        "Autobahn": autobahn.version,
        "Twisted": twisted.version.short(),
        "Python": platform.python_version(),
    },
}))
