"""
Every URL of the national platform's profiles and code systems, in one table.

They are mixed in the guide itself (``http://sas.fr/fhir/...`` beside
``https://interop.esante.gouv.fr/ig/fhir/sas/...``), and it says that they will change.
Source: ansforge/IG-fhir-service-acces-aux-soins, version 1.2.0.
"""

SAS_FR = "http://sas.fr/fhir/StructureDefinition/"
INTEROP = "https://interop.esante.gouv.fr/ig/fhir/sas/StructureDefinition/"

BUNDLE = SAS_FR + "BundleAgregateur"
SLOT = SAS_FR + "FrSlotAgregateur"
SCHEDULE = SAS_FR + "FrScheduleAgregateur"
PRACTITIONER = SAS_FR + "FrPractitionerAgregateur"
PRACTITIONER_ROLE = SAS_FR + "FrPractitionerRoleExerciceAgregateur"
LOCATION = SAS_FR + "FrLocationAgregateur"
APPOINTMENT = SAS_FR + "FrAppointmentSAS"
REGULATOR = INTEROP + "FrPractitionerRegul"

CPTS_BUNDLE = INTEROP + "sas-cpts-bundle-aggregator"
CPTS_SLOT = INTEROP + "sas-cpts-slot-aggregator"
CPTS_SERVICE = INTEROP + "sas-cpts-healthcareservice-aggregator"
CPTS_ORGANIZATION = INTEROP + "sas-cpts-organization-aggregator"

SOS_BUNDLE = INTEROP + "sas-sos-bundle-aggregator"
SOS_SLOT = INTEROP + "sas-sos-slot-aggregator"
SOS_SCHEDULE = INTEROP + "sas-sos-schedule-aggregator"
SOS_LOCATION = INTEROP + "sas-sos-location-aggregator"
SOS_ORGANIZATION = INTEROP + "sas-sos-organization-aggregator"

SERVICE_TYPE = "http://hl7.org/fhir/5.0/StructureDefinition/extension-Slot.serviceType"
"""Extension by which a slot of R4 names a HealthcareService, as R5 does."""

OPERATOR = "http://interopsante.org/fhir/StructureDefinition/FrAppointmentOperator"
"""Extension that names the regulator who booked."""

GUIDE = "https://interop.esante.gouv.fr/ig/fhir/sas"

PERSONS = "urn:oid:1.2.250.1.71.4.2.1"
"""IDNPS: national ids of persons; 8 before an RPPS, 0 before an ADELI."""

STRUCTURES = "urn:oid:1.2.250.1.71.4.2.2"
"""IDNST: national ids of structures; 1 FINESS, 3 SIRET, 4 RPPS and rank, 0 ADELI and rank."""

PLATFORM = "urn:oid:1.2.250.1.213.3.6"
"""Ids that the national platform gives its regulators itself."""

ID_TYPES = "http://interopsante.org/fhir/CodeSystem/fr-v2-0203"
"""Types of ids of persons and of what a PractitionerRole works for."""

ID_TYPES_OF_CPTS = "https://hl7.fr/ig/fhir/core/CodeSystem/fr-core-cs-v2-0203"
"""The same list under the URL that the profile of a CPTS demands."""

ID_TYPES_OF_PLACES = "http://interopsante.org/fhir/CodeSystem/fr-location-identifier-type"
"""Types of ids of places, and of a structure in the SOS profile."""

SLOT_TYPES = "https://mos.esante.gouv.fr/NOS/TRE_R314-TypeCreneau/FHIR/TRE-R314-TypeCreneau"
SPECIALTIES = (
    "https://mos.esante.gouv.fr/NOS/TRE_R38-SpecialiteOrdinale/FHIR/TRE-R38-SpecialiteOrdinale"
)
CATEGORIES = (
    "https://mos.esante.gouv.fr/NOS/TRE_R66-CategorieEtablissement"
    "/FHIR/TRE-R66-CategorieEtablissement"
)
"""The one of its three URLs that the national test kit accepts."""

CPTS_CATEGORY = "604"
MODES = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
APPOINTMENT_TYPES = "http://terminology.hl7.org/CodeSystem/v2-0276"
