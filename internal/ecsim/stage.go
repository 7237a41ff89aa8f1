package ecsim

// shiftStage is a lifecycle stage of a deployment that shifts traffic; they come in this order.
type shiftStage uint8

const (
	noStage shiftStage = iota
	reconcile
	preScaleUp
	scaleUp
	postScaleUp
	testShift
	postTestShift
	preProductionShift
	productionShift
	postProductionShift
	bakeTime
	cleanUp
	stageCount
)

// Lifecycle stages as a service deployment shows them.
const (
	StageReconcile           = "RECONCILE_SERVICE"
	StagePreScaleUp          = "PRE_SCALE_UP"
	StageScaleUp             = "SCALE_UP"
	StagePostScaleUp         = "POST_SCALE_UP"
	StageTestShift           = "TEST_TRAFFIC_SHIFT"
	StagePostTestShift       = "POST_TEST_TRAFFIC_SHIFT"
	StagePreProductionShift  = "PRE_PRODUCTION_TRAFFIC_SHIFT"
	StageProductionShift     = "PRODUCTION_TRAFFIC_SHIFT"
	StagePostProductionShift = "POST_PRODUCTION_TRAFFIC_SHIFT"
	StageBake                = "BAKE_TIME"
	StageCleanUp             = "CLEAN_UP"
)

var stageNames = [stageCount]string{"", StageReconcile, StagePreScaleUp, StageScaleUp, StagePostScaleUp, StageTestShift, StagePostTestShift,
	StagePreProductionShift, StageProductionShift, StagePostProductionShift, StageBake, StageCleanUp}

// hookable says at which stages a lifecycle hook may be.
var hookable = [stageCount]bool{reconcile: true, preScaleUp: true, postScaleUp: true, testShift: true, postTestShift: true,
	preProductionShift: true, productionShift: true, postProductionShift: true}

// stageOf returns the stage of a name, or noStage.
func stageOf(name string) shiftStage {
	for at, known := range stageNames {
		if known == name {
			return shiftStage(at)
		}
	}
	return noStage
}
