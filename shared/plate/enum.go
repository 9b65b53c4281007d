package plate

import "fmt"

// Colour is a plate's background. Its text form, in JSON too, is the English name: "blue", "yellow-green", "unknown".
type Colour uint8

// The colours. The zero value is a colour that was not read.
const (
	ColourUnknown     Colour = iota
	ColourBlue               // small vehicles
	ColourYellow             // large vehicles, trailers, training
	ColourWhite              // police, military, emergency
	ColourBlack              // diplomatic, Hong Kong, Macao, foreign-owned
	ColourGreen              // small new-energy (gradient); civil aviation
	ColourYellowGreen        // large new-energy
	colours
)

// Class is what kind of plate a vehicle carries. Its text form, in JSON too, is the English name.
type Class uint8

// The classes. The zero value is no plate, as an empty text is.
const (
	ClassNone           Class = iota // 无牌
	ClassForeign                     // anything that is not GA 36: opaque text
	ClassSmall                       // 小型汽车
	ClassLarge                       // 大型汽车
	ClassNewEnergySmall              // 小型新能源
	ClassNewEnergyLarge              // 大型新能源
	ClassTrailer                     // 挂
	ClassTraining                    // 学
	ClassPolice                      // 警
	ClassEmbassy                     // 使
	ClassConsulate                   // 领
	ClassHongKong                    // 港
	ClassMacao                       // 澳
	ClassArmedPolice                 // 武警 WJ
	ClassMilitary                    // 军
	ClassEmergency                   // 应急
	ClassAviation                    // 民航
	ClassTemporary                   // 临时
	classes
)

// Known says whether the colour was read.
func (c Colour) Known() bool { return c > ColourUnknown && c < colours }

// String is the English name.
func (c Colour) String() string {
	if c >= colours {
		return fmt.Sprintf("colour %d", uint8(c))
	}
	return [...]string{"unknown", "blue", "yellow", "white", "black", "green", "yellow-green"}[c]
}

// Chinese is the name for people: 蓝.
func (c Colour) Chinese() string {
	if c >= colours {
		return "未知"
	}
	return [...]string{"未知", "蓝", "黄", "白", "黑", "绿", "黄绿"}[c]
}

// MarshalText writes the English name.
func (c Colour) MarshalText() ([]byte, error) {
	if c >= colours {
		return nil, fmt.Errorf("plate: colour %d is not known", uint8(c))
	}
	return []byte(c.String()), nil
}

// UnmarshalText reads the English name; empty text is unknown.
func (c *Colour) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*c = ColourUnknown
		return nil
	}
	for known := ColourUnknown; known < colours; known++ {
		if string(text) == known.String() {
			*c = known
			return nil
		}
	}
	return fmt.Errorf("plate: colour %q is not known", text)
}

// String is the English name.
func (c Class) String() string {
	if c >= classes {
		return fmt.Sprintf("class %d", uint8(c))
	}
	return [...]string{"none", "foreign", "small", "large", "new-energy-small", "new-energy-large", "trailer", "training", "police",
		"embassy", "consulate", "hong-kong", "macao", "armed-police", "military", "emergency", "aviation", "temporary"}[c]
}

// Chinese is the name for people: 小型汽车.
func (c Class) Chinese() string {
	if c >= classes {
		return "未知"
	}
	return [...]string{"无牌车", "境外车辆", "小型汽车", "大型汽车", "小型新能源汽车", "大型新能源汽车", "挂车", "教练车", "警车",
		"使馆车辆", "领馆车辆", "香港入出境车", "澳门入出境车", "武警车辆", "军队车辆", "应急救援车", "民航车辆", "临时号牌"}[c]
}

// NewEnergy says whether the plate is one of the two new-energy classes.
func (c Class) NewEnergy() bool { return c == ClassNewEnergySmall || c == ClassNewEnergyLarge }

// MarshalText writes the English name.
func (c Class) MarshalText() ([]byte, error) {
	if c >= classes {
		return nil, fmt.Errorf("plate: class %d is not known", uint8(c))
	}
	return []byte(c.String()), nil
}

// UnmarshalText reads the English name.
func (c *Class) UnmarshalText(text []byte) error {
	for known := ClassNone; known < classes; known++ {
		if string(text) == known.String() {
			*c = known
			return nil
		}
	}
	return fmt.Errorf("plate: class %q is not known", text)
}
